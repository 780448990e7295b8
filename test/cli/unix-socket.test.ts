/** Listening on Unix sockets, and on several addresses at once. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../src/demo/free-ports.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import { ask, connect, endOf, isOpen } from './client.ts';
import { EchoMember, question } from './echo-member.ts';

let parts: AsyncDisposableStack;
let member: EchoMember;
let folder: string;
let path: string;

beforeEach(async () => {
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-unix-'));
  parts.defer(() => rm(folder, { recursive: true }));
  member = parts.use(await EchoMember.start());
  path = join(folder, 'etcd.sock');
});
afterEach(() => parts.disposeAsync());

async function listenOn(...addresses: string[]): Promise<Balancer> {
  const listen = addresses.flatMap((address) => ['--listen', address]);
  return parts.use(await Balancer.start([...listen, ...member.flags]));
}

/** Does a client there reach the member? */
async function relays(address: string): Promise<boolean> {
  const socket = await connect(address);
  const answer = await ask(socket, address);
  socket.end();
  await endOf(socket);
  return answer === address;
}

describe('a Unix socket', () => {
  test.each(['unix:', 'unix://'])('relays, and is removed at the end (%s)', async (prefix) => {
    const balancer = await listenOn(prefix + path);
    expect(balancer.address).toBe(`unix:${path}`);
    expect(await relays(balancer.address)).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    await balancer.stop();
    expect(existsSync(path)).toBe(false);
  });

  test('has the mode that --socket-mode asks for', async () => {
    const flags = ['--listen', `unix:${path}`, '--socket-mode', '0606', ...member.flags];
    await using _balancer = await Balancer.start(flags);
    expect((await stat(path)).mode & 0o777).toBe(0o606);
  });

  test.runIf(process.getuid?.() === 0)('has the owner of --socket-owner', async () => {
    const flags = ['--listen', `unix:${path}`, '--socket-owner', '4321:1234', ...member.flags];
    await using balancer = await Balancer.start(flags);
    expect(await stat(path)).toMatchObject({ uid: 4321, gid: 1234 });
    expect(await relays(balancer.address)).toBe(true);
  });

  test('left behind by a balancer that was killed is replaced', async () => {
    const killed = await listenOn(`unix:${path}`);
    killed.signal('SIGKILL');
    await killed.exited;
    expect(existsSync(path)).toBe(true);
    const balancer = await listenOn(`unix:${path}`);
    expect(await relays(balancer.address)).toBe(true);
  });

  test('that somebody listens on is left to them', async () => {
    const first = await listenOn(`unix:${path}`);
    const { code, stdout, stderr } = await etcdLb(runOn(`unix:${path}`));
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: `etcd-lb: --listen: unix:${path} is in use by another process; stop it or choose another path.\n`,
    });
    expect(await relays(first.address)).toBe(true);
  });

  test('is free for a successor while the predecessor drains, and stays the successor’s', async () => {
    const flags = ['--listen', `unix:${path}`, ...member.flags];
    const first = parts.use(await Balancer.start([...flags, '--drain-timeout', '1m']));
    const open = await connect(first.address);
    await ask(open, 'before');
    member.pause();
    const answer = ask(open, question);
    first.signal('SIGTERM');
    await first.logged(({ event }) => event === 'stopping');
    const second = await listenOn(`unix:${path}`);
    member.resume();
    expect(await answer).toBe(question);
    open.end();
    await first.exited;
    expect(await relays(second.address)).toBe(true);
  });

  test('does not replace a file that is no socket', async () => {
    await writeFile(path, 'precious');
    const { code, stdout, stderr } = await etcdLb(runOn(`unix:${path}`));
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: `etcd-lb: --listen: ${path} exists and is not a socket; remove it or choose another path.\n`,
    });
    expect(await readFile(path, 'utf8')).toBe('precious');
  });

  // Either the system refuses, or Node does: 10 digits are more than an id has.
  const impossible = ['9999999999', ...(process.getuid?.() === 0 ? [] : ['0:0'])];
  test.each(impossible)('whose owner cannot be %s is refused in one sentence', async (owner) => {
    const { code, stdout, stderr } = await etcdLb([
      ...runOn(`unix:${path}`),
      ...['--socket-owner', owner],
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^etcd-lb: --socket-owner: .*\.\n$/);
    expect(existsSync(path)).toBe(false);
  });
});

describe('several addresses', () => {
  test('all relay, to TCP and Unix, and all are closed at the end', async () => {
    const [port] = await freePorts(1);
    const other = join(folder, 'other.sock');
    const addresses = [`127.0.0.1:${port}`, `[::1]:${port}`, `unix:${path}`, `unix:${other}`];
    const [first = '', ...others] = addresses;
    const balancer = await listenOn(first, others.join());
    expect((await balancer.status()).listen).toEqual(addresses);
    expect(await Promise.all(addresses.map(relays))).toEqual(addresses.map(() => true));
    await balancer.stop();
    expect(await Promise.all(addresses.map(isOpen))).toEqual(addresses.map(() => false));
    expect([existsSync(path), existsSync(other)]).toEqual([false, false]);
  });

  test('are all open or none', async () => {
    const [free] = await freePorts(1);
    const taken = await listenOn('127.0.0.1:0');
    const args = runOn(`unix:${path},127.0.0.1:${free},${taken.address}`);
    const { code, stdout, stderr } = await etcdLb(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(`etcd-lb: --listen: ${taken.address} is in use`);
    expect(await isOpen(`127.0.0.1:${free}`)).toBe(false);
    expect(existsSync(path)).toBe(false);
  });
});

/** For a run that ends by itself. */
function runOn(listen: string): string[] {
  return ['run', '--listen', listen, '--observe', 'off', ...member.flags];
}
