/** The system's own look-up, for what takes one. */
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';

export const lookup: LookupFunction = (name, options, callback) =>
  dns.lookup(name, options, callback);
