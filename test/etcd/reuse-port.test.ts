/** Two balancers on one address: the way to more cores, and to a restart that nobody notices. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freePorts } from '../../src/demo/free-ports.ts';
import { ensureNamespaces } from '../machine/programs.ts';
import { Balancer } from '../support/balancer.ts';
import type { Seen } from './reuse-port-scene.ts';

/**
 * In a network namespace, so that the kernel can be told to hand over what waits in the queue of a
 * listener that closes; without that it resets those connections, whoever listens beside.
 */
const prepare = 'ip link set lo up && echo 1 > /proc/sys/net/ipv4/tcp_migrate_req && exec "$@"';

test('connections are spread over both; while one stops none is refused and no call fails', async () => {
  await ensureNamespaces(console.log);
  const scene = [process.execPath, join(import.meta.dirname, 'reuse-port-scene.ts')];
  const { stdout } = await promisify(execFile)('unshare', [
    ...['--net', 'sh', '-c', prepare, 'sh'],
    ...scene,
  ]);
  const { failures, failedCalls, calls, opened, code } = JSON.parse(stdout) as Seen;
  expect(failures).toEqual([]);
  expect(failedCalls).toEqual([]);
  expect(calls).toBeGreaterThan(500);
  expect(code).toBe(0);
  expect(Math.min(...opened)).toBeGreaterThan(100); // of 400: the kernel spreads by hash
});

test('without the setting the second one is told that the address is in use', async () => {
  const [port = 0] = await freePorts(1);
  const args = ['--listen', `127.0.0.1:${port}`, '--endpoints', '127.0.0.1:1'];
  await using _first = await Balancer.start(args);
  await expect(Balancer.start([...args, '--reuse-port', 'on'])).rejects.toThrow(/in use/);
});
