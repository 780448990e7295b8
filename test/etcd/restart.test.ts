/** Restarts that no client notices: with a socket that outlives the process, and with a shared address. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ensureNamespaces } from '../machine/programs.ts';
import type { Seen } from './restart-scene.ts';

const scene = [process.execPath, join(import.meta.dirname, 'restart-scene.ts')];
/** See reuse-port.test.ts. */
const prepare = 'ip link set lo up && echo 1 > /proc/sys/net/ipv4/tcp_migrate_req && exec "$@"';

async function play(command: readonly string[]): Promise<Seen> {
  const [program = '', ...args] = command;
  return JSON.parse((await promisify(execFile)(program, args)).stdout) as Seen;
}

function expectNothingNoticed(seen: Seen): void {
  expect(seen.failures).toEqual([]);
  expect(seen.failedCalls).toEqual([]);
  expect(seen.calls).toBeGreaterThan(500);
  expect(seen.observed).toEqual(['older', 'younger']);
  expect(seen.events).toEqual(['observe-waits', 'observe-opened']);
}

test('with an inherited socket, one beside the other and one after the other', async () => {
  const seen = await play([...scene, 'inherited']);
  expectNothingNoticed(seen);
  expect(seen.codes).toEqual([0, 0, 0]);
});

test('with --reuse-port and the same file', async () => {
  await ensureNamespaces(console.log);
  const seen = await play(['unshare', '--net', 'sh', '-c', prepare, 'sh', ...scene, 'reuse-port']);
  expectNothingNoticed(seen);
  expect(seen.codes).toEqual([0, 0]);
});
