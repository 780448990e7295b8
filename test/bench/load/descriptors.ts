/**
 * How many sessions can be held on this machine: each takes two file descriptors in a proxy. Even
 * root may not raise the hard limit where it lacks CAP_SYS_RESOURCE, as in a container.
 */
import { readFileSync } from 'node:fs';

/** More than 10,000 sessions need, fewer than make a program slow that walks through all of them. */
const enough = 65_536;
/** Descriptors of a proxy that are not for sessions: checks, listeners, logs. */
const others = 100;

const limit = Math.min(enough, hardLimit(readFileSync('/proc/self/limits', 'utf8')));

/** Put in front of the command of a process that holds sessions. */
export const manyDescriptors: readonly string[] = ['prlimit', `--nofile=${limit}:${limit}`, '--'];

/** Clients that every contestant must bear at a time: the silent ones, and some that call. */
export const maxConnections = Math.min(12_000, Math.floor((limit - others) / 2));

/** The 10,000 silent sessions of the issue, or as many hundreds as there are descriptors for. */
export const mostSessions = Math.min(10_000, Math.floor(maxConnections / 100 - 0.5) * 100);

/** Hard limit of open files in /proc/PID/limits. */
function hardLimit(text: string): number {
  const [, hard] = /^Max open files +\d+ +(\d+|unlimited)/m.exec(text) ?? [];
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}
