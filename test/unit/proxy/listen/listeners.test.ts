/** Listening sockets of this host, and what is in the way of opening them. */
import { once } from 'node:events';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ListenAddress, TcpAddress } from '../../../../src/config/values/listen.ts';
import { SettingError } from '../../../../src/lib/setting-error.ts';
import {
  type Listeners,
  type ListenOptions,
  openListeners,
} from '../../../../src/proxy/listen/listeners.ts';

let folder: string;
let path: string;
let open: Listeners[];
let accepted: Socket[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-listeners-'));
  path = join(folder, 'etcd.sock');
  open = [];
  accepted = [];
});
afterEach(async () => {
  for (const listeners of open) listeners.close();
  for (const socket of accepted) socket.destroy();
  await rm(folder, { recursive: true });
});

const tcp = (port = 0, host = '127.0.0.1'): ListenAddress => ({ kind: 'tcp', host, port });
const unix = (at = path): ListenAddress => ({ kind: 'unix', path: at });

async function listenOn(
  addresses: ListenAddress[],
  options: Partial<ListenOptions> = {},
): Promise<Listeners> {
  const listeners = await openListeners({
    addresses,
    reusePort: false,
    socketMode: 0o660,
    socketOwner: undefined,
    keepalive: 15_000,
    onConnection: (socket) => accepted.push(socket),
    onAcceptError: () => {},
    ...options,
  });
  open.push(listeners);
  return listeners;
}

/** The sentence with which opening fails. */
async function refusal(...addresses: ListenAddress[]): Promise<string> {
  const error = await listenOn(addresses).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(SettingError);
  return (error as SettingError).message;
}

/** Does somebody accept there? */
async function answers(target: net.NetConnectOpts): Promise<boolean> {
  const socket = net.connect(target);
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}

/** A server of somebody else, closed at the end of the test. */
async function occupy(target: net.ListenOptions): Promise<net.Server> {
  const server = net.createServer((socket) => socket.destroy()).listen(target);
  await once(server, 'listening');
  open.push({ addresses: [], servers: [server], close: () => server.close() });
  return server;
}

/** A socket file that its owner left behind: a thread that ends without closing anything. */
async function leaveStale(at: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(at)}, () => {
    require('node:fs').renameSync(${JSON.stringify(at)}, ${JSON.stringify(`${at}.moved`)});
    process.exit();
  })`;
  await once(new Worker(script, { eval: true }), 'exit');
  await rename(`${at}.moved`, at);
  expect((await stat(at)).isSocket()).toBe(true);
}

describe('TCP', () => {
  test('port 0 becomes the port in use, and connections to it are handed on', async () => {
    const { addresses } = await listenOn([tcp(), tcp()]);
    const ports = addresses.map((address) => (address as TcpAddress).port);
    expect(new Set(ports).size).toBe(2);
    expect(ports).not.toContain(0);
    for (const port of ports) {
      expect(await answers({ port, host: '127.0.0.1' })).toBe(true);
    }
    expect(accepted).toHaveLength(2);
  });

  test('what goes wrong while accepting is told, and the listener goes on', async () => {
    const errors: Error[] = [];
    const { addresses, servers } = await listenOn([tcp()], {
      onAcceptError: (error) => errors.push(error),
    });
    const error = new Error('accept EMFILE');
    servers[0]?.emit('error', error);
    expect(errors).toEqual([error]);
    expect(await answers({ port: (addresses[0] as TcpAddress).port, host: '127.0.0.1' })).toBe(
      true,
    );
  });

  test('IPv6 works', async () => {
    const { addresses } = await listenOn([tcp(0, '::1')]);
    const { port } = addresses[0] as TcpAddress;
    expect(await answers({ port, host: '::1' })).toBe(true);
  });

  test('what a client sends at once waits unread in a paused socket', async () => {
    const arrived = Promise.withResolvers<Socket>();
    const { addresses } = await listenOn([tcp()], { onConnection: arrived.resolve });
    const { port } = addresses[0] as TcpAddress;
    const client = net.connect(port, '127.0.0.1').end('PRI * HTTP/2.0');
    await once(client, 'finish');
    const socket = await arrived.promise;
    await new Promise(setImmediate);
    expect(socket.isPaused()).toBe(true);
    expect(socket.bytesRead).toBe(0);
    expect(await text(socket)).toBe('PRI * HTTP/2.0');
    socket.destroy();
    client.destroy();
  });

  test('a client that has finished sending can still be answered', async () => {
    const { addresses } = await listenOn([tcp()], {
      onConnection: (socket) =>
        socket.resume().on('end', () => setImmediate(() => socket.end('answer'))),
    });
    const client = net.connect((addresses[0] as TcpAddress).port, '127.0.0.1').end();
    expect(await text(client)).toBe('answer');
  });

  test('close stops accepting and leaves accepted connections alone', async () => {
    const arrived = Promise.withResolvers<Socket>();
    const { addresses, close } = await listenOn([tcp()], { onConnection: arrived.resolve });
    const { port } = addresses[0] as TcpAddress;
    const client = net.connect(port, '127.0.0.1');
    const socket = await arrived.promise;
    close();
    expect(await answers({ port, host: '127.0.0.1' })).toBe(false);
    socket.end('still here');
    expect(await text(client)).toBe('still here');
    socket.destroy();
  });
});

describe('Unix', () => {
  test.each([0o600, 0o660, 0o666])('the file has the mode that was asked for: %d', async (mode) => {
    const { addresses } = await listenOn([unix()], { socketMode: mode });
    expect(addresses).toEqual([unix()]);
    expect((await stat(path)).mode & 0o777).toBe(mode);
    expect(await answers({ path })).toBe(true);
  });

  test('the umask of the process is left as it was', async () => {
    const before = process.umask(0o027);
    await listenOn([unix()]);
    expect(process.umask(before)).toBe(0o027);
  });

  test.runIf(process.getuid?.() === 0)('the file has the owner that was asked for', async () => {
    await listenOn([unix()], { socketOwner: { uid: 4321, gid: -1 } });
    expect(await stat(path)).toMatchObject({ uid: 4321, gid: process.getgid?.() });
  });

  test('the file is removed on close', async () => {
    const { close } = await listenOn([unix()]);
    close();
    expect(await readdir(folder)).toEqual([]);
  });

  test('a file that nobody listens on is replaced', async () => {
    await leaveStale(path);
    await listenOn([unix()]);
    expect(await answers({ path })).toBe(true);
  });

  test('a file that somebody listens on is left to them', async () => {
    await occupy({ path });
    expect(await refusal(unix())).toBe(
      `unix:${path} is in use by another process; stop it or choose another path`,
    );
    expect(await answers({ path })).toBe(true);
  });

  test('a file that is no socket is left alone', async () => {
    await writeFile(path, 'precious');
    expect(await refusal(unix())).toBe(
      `${path} exists and is not a socket; remove it or choose another path`,
    );
    expect(await readFile(path, 'utf8')).toBe('precious');
  });

  test('neither is a folder', async () => {
    await mkdir(path);
    expect(await refusal(unix())).toContain('exists and is not a socket');
  });

  test('an owner that may not be given is told in a sentence, and nothing is left', async () => {
    const root = process.geteuid?.() === 0;
    await chmod(folder, 0o777);
    if (root) process.seteuid?.(65_534);
    try {
      const options = { socketOwner: { uid: 0, gid: 0 } };
      const error = await listenOn([tcp(), unix()], options).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(SettingError);
      expect((error as SettingError).message).toContain(path);
    } finally {
      if (root) process.seteuid?.(0);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test('a folder that does not exist is named', async () => {
    const at = join(folder, 'missing', 'etcd.sock');
    expect(await refusal(unix(at))).toBe(
      `the folder of unix:${at} does not exist; create it or choose another path`,
    );
  });
});

describe('when one address cannot be opened', () => {
  test('none is: the one opened before is closed again, and its file removed', async () => {
    const taken = (await occupy({ port: 0, host: '127.0.0.1' })).address() as AddressInfo;
    const free = await freePort();
    const message = await refusal(tcp(free), unix(), tcp(taken.port));
    expect(message).toBe(
      `127.0.0.1:${taken.port} is in use by another process; stop it or choose another address`,
    );
    expect(await answers({ port: free, host: '127.0.0.1' })).toBe(false);
    expect(await readdir(folder)).toEqual([]);
    await listenOn([tcp(free), unix()]); // and can be opened again
  });

  test('an address of another host is named', async () => {
    expect(await refusal(tcp(2379, '192.0.2.1'))).toBe(
      '192.0.2.1:2379 is not an address of this host; write one that is, or :PORT for all',
    );
  });

  test('so is a name that does not resolve', async () => {
    expect(await refusal(tcp(2379, 'name.invalid'))).toMatch(
      /^name\.invalid:2379 cannot be opened: .*ENOTFOUND name\.invalid$/,
    );
  });
});

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
