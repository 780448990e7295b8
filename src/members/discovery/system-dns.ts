/** The system's names, and the name server's records: what discovery asks. */
import dns from 'node:dns';
import type { DiscoveryOptions } from './discovery.ts';

export const systemDns: DiscoveryOptions['dns'] = {
  lookup: async (name) => {
    const found = await dns.promises.lookup(name, { all: true });
    return found.map(({ address }) => address);
  },
  ttl: async (name) => {
    const records = await dns.promises
      .resolve4(name, { ttl: true })
      .catch(() => dns.promises.resolve6(name, { ttl: true }));
    return Math.min(...records.map(({ ttl }) => ttl));
  },
  srv: (name) => dns.promises.resolveSrv(name),
};
