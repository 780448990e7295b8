/** A log that nobody can write to, or nobody reads: clients do not notice, and it ends in order. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { freePorts } from '../../src/demo/free-ports.ts';
import { ask, connect, isOpen } from './client.ts';
import { EchoMember } from './echo-member.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

/** `etcd-lb run` with this standard output. */
async function start(
  member: EchoMember,
  output: number | 'pipe',
  format: string,
  more: readonly string[] = [],
) {
  const [port = 0, observe = 0] = await freePorts(2);
  const args = ['--listen', `127.0.0.1:${port}`, '--observe', `127.0.0.1:${observe}`];
  const child = spawn(
    process.execPath,
    [
      main,
      'run',
      ...args,
      ...member.flags,
      '--admin-socket',
      'off',
      '--log-format',
      format,
      ...more,
    ],
    { stdio: ['ignore', output, 'pipe'] },
  );
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const exited = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr }));
  const until = async (what: () => Promise<boolean>): Promise<void> => {
    while (child.exitCode === null && !(await what().catch(() => false))) await delay(20);
  };
  const observed = async (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${observe}${path}`);
  await until(async () => (await isOpen(`127.0.0.1:${port}`)) && (await observed('/readyz')).ok);
  return { child, address: `127.0.0.1:${port}`, observed, until, exited };
}

async function lostLines(observed: (path: string) => Promise<Response>): Promise<number> {
  const text = await (await observed('/metrics')).text();
  return Number(/^etcd_lb_log_lines_lost_total (\d+)$/m.exec(text)?.[1]);
}

async function relays(address: string): Promise<void> {
  const socket = await connect(address);
  expect(await ask(socket, 'hello')).toBe('hello');
  socket.destroy();
}

/** Ended here too when an expectation fails. */
function ended(child: ChildProcess): Disposable {
  return { [Symbol.dispose]: () => void child.kill('SIGKILL') };
}

test.each(['json', 'pretty'])('a full disk under the %s log', async (format) => {
  await using member = await EchoMember.start();
  const full = openSync('/dev/full', 'w');
  const balancer = await start(member, full, format);
  closeSync(full);
  using _ = ended(balancer.child);
  await relays(balancer.address);
  await balancer.until(async () => (await lostLines(balancer.observed)) > 1);
  expect((await balancer.observed('/livez')).status).toBe(200);
  const { events } = (await (await balancer.observed('/status')).json()) as {
    events: { kind: string; message: string }[];
  };
  expect(events.filter(({ kind }) => kind === 'log-failing')).toMatchObject([
    { message: 'the log cannot be written, its lines are lost: no space left on device' },
  ]);
  balancer.child.kill('SIGTERM');
  expect(await balancer.exited).toEqual({ code: 0, signal: null, stderr: '' });
});

test.each(['json', 'pretty'])('a reader of the %s log that is gone', async (format) => {
  await using member = await EchoMember.start();
  const balancer = await start(member, 'pipe', format);
  using _ = ended(balancer.child);
  balancer.child.stdout?.destroy();
  balancer.child.kill('SIGHUP'); // has it tell something
  await balancer.until(async () => (await lostLines(balancer.observed)) > 0);
  await relays(balancer.address);
  balancer.child.kill('SIGTERM');
  expect(await balancer.exited).toEqual({ code: 0, signal: null, stderr: '' });
});

test('a reader of the log that has stopped reading', async () => {
  await using member = await EchoMember.start();
  const balancer = await start(member, 'pipe', 'json', ['--log-level', 'debug']);
  using _ = ended(balancer.child);
  // Two lines each: more than a pipe and our own end of it take.
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(Array.from({ length: 50 }, () => relays(balancer.address)));
  }
  balancer.child.kill('SIGTERM');
  const [code, signal] = await once(balancer.child, 'exit');
  expect({ code, signal }).toEqual({ code: 0, signal: null });
});
