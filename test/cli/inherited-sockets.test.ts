/** Sockets that somebody else has opened: what is listened on, what is refused, what is left behind. */
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../src/demo/free-ports.ts';
import type { Status } from '../../src/observe/status.ts';
import { findSocketActivate } from '../machine/programs.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import { HeldSocket, passing } from '../support/listening-socket.ts';
import { ask, connect, isOpen } from './client.ts';
import { EchoMember, question } from './echo-member.ts';

let parts: AsyncDisposableStack;
let member: EchoMember;
let folder: string;
let path: string;
let port: number;
let second: number;

beforeEach(async () => {
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-inherited-'));
  parts.defer(() => rm(folder, { recursive: true }));
  member = parts.use(await EchoMember.start());
  path = join(folder, 'etcd.sock');
  [port = 0, second = 0] = await freePorts(2);
});
afterEach(() => parts.disposeAsync());

interface Passed {
  readonly name: string;
  readonly socket: HeldSocket;
}

async function startWith(passed: readonly Passed[], args: readonly string[]): Promise<Balancer> {
  const balancer = await Balancer.start(
    [...args, ...member.flags],
    passing(passed.map(({ name }) => name)),
    passed.map(({ socket }) => socket.descriptor),
  );
  return parts.use(balancer);
}

async function relays(address: string): Promise<boolean> {
  const socket = await connect(address);
  const answer = await ask(socket, address);
  socket.destroy();
  return answer === address;
}

test('TCP and Unix sockets take the place of --listen, and are left as they were found', async () => {
  const tcp = parts.use(HeldSocket.listening(port));
  const unix = parts.use(HeldSocket.listening(path));
  const listen = ['--listen', `127.0.0.1:${port},unix:${path}`];
  const passed = [
    { name: 'etcd.socket', socket: tcp },
    { name: 'unknown', socket: unix },
  ];
  const balancer = await startWith(passed, listen);
  const addresses = [`127.0.0.1:${port}`, `unix:${path}`];
  const started = await balancer.logged(({ event }) => event === 'started');
  expect(started.listen).toEqual(addresses);
  expect(await balancer.status()).toMatchObject({ listen: addresses, copier: 'shared-buffer' });
  expect(await Promise.all(addresses.map(relays))).toEqual([true, true]);
  expect(balancer.log.map(({ event }) => event)).not.toContain('listen-ignored');

  await balancer.stop();
  expect(existsSync(path)).toBe(true);
  // Nobody accepts, and yet nobody is refused.
  expect(await Promise.all(addresses.map(isOpen))).toEqual([true, true]);
});

test('--listen that names another address is told of, and is not opened', async () => {
  const socket = parts.use(HeldSocket.listening(port));
  const balancer = await startWith([{ name: '', socket }], ['--listen', `127.0.0.1:${second}`]);
  const told = await balancer.logged(({ event }) => event === 'listen-ignored');
  expect(told).toMatchObject({
    level: 'warn',
    inherited: [`127.0.0.1:${port}`],
    listen: [`127.0.0.1:${second}`],
  });
  expect(await relays(`127.0.0.1:${port}`)).toBe(true);
  expect(await isOpen(`127.0.0.1:${second}`)).toBe(false);
});

test('the one named observe serves metrics and status, the one named admin no client', async () => {
  const observe = { name: 'observe', socket: parts.use(HeldSocket.listening(second)) };
  const admin = { name: 'admin', socket: parts.use(HeldSocket.listening(path)) };
  const balancer = await startWith([observe, admin], ['--observe', 'off']);
  expect((await fetch(`http://127.0.0.1:${second}/livez`)).status).toBe(200);
  const { listen } = (await (await fetch(`http://127.0.0.1:${second}/status`)).json()) as Status;
  expect(listen).toEqual([balancer.address]);
  expect(await relays(balancer.address)).toBe(true);
});

test('who drains leaves the one named observe to the other process', async () => {
  const etcd = { name: 'etcd', socket: parts.use(HeldSocket.listening(port)) };
  const observe = { name: 'observe', socket: parts.use(HeldSocket.listening(second)) };
  const older = await startWith([etcd, observe], ['--drain-timeout', '1m']);
  const client = await connect(older.address);
  await ask(client, 'before');
  member.pause();
  client.write(question); // keeps the older one
  const younger = await startWith([etcd, observe], []);
  older.signal('SIGTERM');
  await older.logged(({ event }) => event === 'stopping');
  const questions = Array.from({ length: 20 }, () => fetch(`http://127.0.0.1:${second}/status`));
  const answers = await Promise.all(questions);
  const pids = answers.map(async (answer) => ((await answer.json()) as Status).pid);
  expect(new Set(await Promise.all(pids))).toEqual(new Set([younger.pid]));
  client.destroy();
  await older.exited;
});

test('sockets for another process are not touched', async () => {
  const socket = parts.use(HeldSocket.listening(port));
  const env = ['env', 'LISTEN_PID=1', 'LISTEN_FDS=1'];
  const args = ['--listen', '127.0.0.1:0', ...member.flags];
  await using balancer = await Balancer.start(args, env, [socket.descriptor]);
  expect(balancer.address).not.toBe(`127.0.0.1:${port}`);
  expect(await relays(balancer.address)).toBe(true);
});

describe('one named admin that others could control the balancer by is refused in one sentence, with code 2', () => {
  const alone = "pass a Unix socket that is its owner's alone (SocketMode=0600).";
  const cases = {
    'on TCP': {
      make: () => HeldSocket.listening(second),
      says: () =>
        `is not a Unix socket: everybody who reaches it could control the balancer; ${alone}`,
    },
    'that everybody may connect to': {
      make: () => {
        const socket = HeldSocket.listening(path);
        chmodSync(path, 0o666);
        return socket;
      },
      says: () =>
        `is ${path} with the mode 0666: every process could control the balancer; ${alone}`,
    },
    'whose file is gone': {
      make: () => {
        const socket = HeldSocket.listening(path);
        rmSync(path);
        return socket;
      },
      says: () => `is ${path}, which cannot be examined; ${alone}`,
    },
    'without a file': {
      make: () => HeldSocket.listening(`\0${path}`),
      says: () => `is no file: every process could control the balancer; ${alone}`,
    },
  };
  test.each(Object.entries(cases))('%s', async (_, { make, says }) => {
    const socket = parts.use(make());
    const starting = Balancer.start(member.flags, passing(['admin']), [socket.descriptor]);
    const { message } = (await starting.catch((error: unknown) => error)) as Error;
    expect(message).toBe(
      `etcd-lb ended with code 2: etcd-lb: LISTEN_FDS: descriptor 3, which is named admin, ${says()}\n`,
    );
  });

  test('but not one of its owner and group', async () => {
    const socket = parts.use(HeldSocket.listening(path));
    chmodSync(path, 0o660);
    await using balancer = await Balancer.start(member.flags, passing(['admin']), [
      socket.descriptor,
    ]);
    expect((await etcdLb(['status', '--admin-socket', path])).code).toBe(0);
    expect(await balancer.stop()).toMatchObject({ code: 0 });
  });
});

describe('refused in one sentence, with code 2', () => {
  const cases = {
    'a datagram socket': {
      make: () => HeldSocket.datagram(second),
      args: [],
      says: 'LISTEN_FDS: descriptor 3 is a connection or a datagram socket; pass stream sockets that listen (ListenStream=, Accept=no).',
    },
    'a Unix datagram socket': {
      make: () => HeldSocket.datagram(path),
      args: [],
      says: 'LISTEN_FDS: descriptor 3 is a connection or a datagram socket; pass stream sockets that listen (ListenStream=, Accept=no).',
    },
    'a connection': {
      make: () => {
        parts.use(HeldSocket.listening(port));
        return HeldSocket.connected(port);
      },
      args: [],
      says: 'LISTEN_FDS: descriptor 3 is a connection or a datagram socket; pass stream sockets that listen (ListenStream=, Accept=no).',
    },
    'TCP where every process would have the cluster': {
      make: () => HeldSocket.listening(port),
      args: [
        '--listen',
        'unix:/nowhere/etcd.sock',
        '--tls',
        'originate',
        '--endpoints',
        'https://m0:2379',
      ],
      says: /^LISTEN_FDS: under --tls originate every process that reaches 127\.0\.0\.1:\d+ would have the cluster without a certificate; pass a Unix socket, or write --plaintext-tcp on\.$/,
    },
  };
  test.each(Object.entries(cases))('%s', async (_, { make, args, says }) => {
    const socket = parts.use(make());
    const started = Balancer.start(args.length > 0 ? args : member.flags, passing(['etcd']), [
      socket.descriptor,
    ]);
    const { message } = (await started.catch((error: unknown) => error)) as Error;
    const [, code, sentence = ''] = /^etcd-lb ended with code (\d): etcd-lb: (.*)\n$/.exec(
      message,
    ) ?? [message];
    expect(code).toBe('2');
    expect(sentence).toMatch(says);
  });
});

test('systemd-socket-activate starts it with the first client, names and all', async () => {
  const { path: program, env } = await findSocketActivate();
  const prefix = [
    ...['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), program],
    ...['--listen', `127.0.0.1:${port}`, '--listen', `127.0.0.1:${second}`],
    ...['--fdname', 'etcd:observe'],
  ];
  const starting = Balancer.start([...member.flags, '--observe', 'off'], prefix);
  let client = await connect(`127.0.0.1:${port}`).catch(() => undefined);
  while (client === undefined) client = await connect(`127.0.0.1:${port}`).catch(() => undefined);
  expect(await ask(client, 'who woke you up')).toBe('who woke you up');
  client.destroy();
  const balancer = parts.use(await starting);
  expect(balancer.address).toBe(`127.0.0.1:${port}`);
  expect((await fetch(`http://127.0.0.1:${second}/readyz`)).status).toBe(200);
});
