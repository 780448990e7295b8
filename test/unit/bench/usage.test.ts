/** What the kernel says in /proc, read. The texts are from Linux 6.1. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { parseCpuTimes, stolenBetween } from '../../machine/steal.ts';
import { parseResident, parseSchedstat, parseStat, usageOf } from '../../machine/usage.ts';

test('stat: the name may hold anything', () => {
  const text =
    '4242 (a) b (c) S 4200 4242 4242 0 -1 4194560 1 0 0 0 37 5 9 9 20 0 1 0 100 1 1 1844674407';
  expect(parseStat(text)).toEqual({ parent: 4200, cpu: 420_000 });
});

test('schedstat: ns of CPU come first', () => {
  expect(parseSchedstat('1292044 504809 1\n')).toBe(1_292.044);
});

test('status: resident memory', () => {
  expect(parseResident('VmHWM:\t   90000 kB\nVmRSS:\t   59000 kB\nRssAnon:\t 1 kB\n')).toBe(
    59_000 * 1_024,
  );
  expect(parseResident('Name:\tkthread\n')).toBe(0);
});

test('counts this process and what descends from it', async () => {
  const alone = usageOf(process.pid);
  const child = spawn('sh', ['-c', 'sleep 5 & echo ready; wait'], { detached: true });
  try {
    await once(child.stdout, 'data');
    expect(usageOf(child.pid ?? 0).memory).toBeGreaterThan(0);
    expect(usageOf(process.pid).cpu).toBeGreaterThanOrEqual(alone.cpu);
  } finally {
    // The whole group, the sleep with it.
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await once(child, 'exit');
  }
});

test('/proc/stat: what the host took', () => {
  const before = parseCpuTimes('cpu  100 0 50 800 0 0 0 50 7 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n');
  expect(before).toEqual({ all: 1_000, stolen: 50 });
  expect(stolenBetween(before, { all: 1_200, stolen: 150 })).toBe(50);
  expect(stolenBetween(before, before)).toBe(0);
});
