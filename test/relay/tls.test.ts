/**
 * Sessions with TLS of our own on both sides, from the listener to the member's certificate: real
 * sockets, peers of this process.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls, { type TLSSocket, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TlsMaterial } from '../../src/certificates/certificates.ts';
import { LiveSettings } from '../../src/config/live-settings.ts';
import type { Member } from '../../src/members/member.ts';
import { DataPath } from '../../src/proxy/data-path.ts';
import { copyThroughStreams } from '../../src/proxy/relay/streams.ts';
import { ClientHandshakes } from '../../src/proxy/tls/handshake.ts';
import {
  type Certificates,
  createCertificates,
  type KeyPairFiles,
} from '../support/certificates.ts';
import { dataPathSettings } from '../support/data-path-settings.ts';
import { lookup } from '../support/lookup.ts';
import { aMember } from '../support/members.ts';
import { inOrder, routeTo } from '../unit/proxy/members.ts';

let certificates: Certificates;
let ca: string;
let parts: AsyncDisposableStack;
/** What the data path told. */
let told: string[];
/** Where clients connect. */
let port: number;
let dataPath: DataPath;
let forClients: TlsMaterial;
let forMembers: TlsMaterial;

beforeAll(async () => {
  certificates = await createCertificates();
  ca = readFileSync(certificates.ca, 'utf8');
});
afterAll(() => certificates[Symbol.asyncDispose]());
beforeEach(() => {
  parts = new AsyncDisposableStack();
});
afterEach(() => parts.disposeAsync());

const read = ({ cert, key }: KeyPairFiles) => ({
  cert: readFileSync(cert, 'utf8'),
  key: readFileSync(key, 'utf8'),
});

/** One with which TLS is spoken. */
const memberAt = (port: number, name: string): Member =>
  aMember(name, { place: { name, scheme: 'https', host: '127.0.0.1', port } });

/** Opens the way to these members. */
async function open(...members: Member[]): Promise<void> {
  const words: string[] = []; // not those of the one before, which may still be ending
  told = words;
  forClients = { ca, ...read(certificates.server) };
  forMembers = { ca, ...read(certificates.client) };
  const reception = new ClientHandshakes({
    settings: new LiveSettings({ allowClient: [], dialTimeout: 5_000 }),
    clients: () => forClients,
    members: () => forMembers,
    onHandshakeFailure: (reason) => words.push(`handshake ${reason}`),
    onNoRequest: () => words.push('no request'),
  });
  dataPath = new DataPath({
    settings: dataPathSettings({ dialTimeout: 5_000, dialRaceAfter: 1_000, maxConnections: 10 }),
    policy: inOrder,
    snapshot: () => routeTo(...members),
    lookup,
    connect: net.connect,
    isSelf: () => false,
    copy: copyThroughStreams,
    receive: (client, signal) => reception.receive(client, signal),
    observer: {
      attempted: ({ name }, attempt) =>
        words.push(
          attempt.result === 'failed'
            ? `${name} ${attempt.failure.reason}: ${attempt.failure.detail}`
            : `${name} ${attempt.result}`,
        ),
      opened: () => {},
      ended: (_, reason) => words.push(reason),
      rejected: (reason) => words.push(reason),
    },
  });
  const listener = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
    dataPath.accept(socket),
  );
  port = await listen(listener);
  parts.defer(() => void dataPath.close());
}

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  parts.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const echo = (socket: TLSSocket): void => void socket.pipe(socket);

/** A member that asks for our certificate and speaks HTTP/2, unless told otherwise. */
async function member(
  name: string,
  onConnection: (socket: TLSSocket) => void = echo,
  files = certificates.server,
  options: TlsOptions = {},
): Promise<Member> {
  const server = tls.createServer({
    ...{ ca, ...read(files), requestCert: true, allowHalfOpen: true, ALPNProtocols: ['h2'] },
    ...options,
  });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  return memberAt(await listen(server), name);
}

/** A client that speaks HTTP/2, as far as the handshake goes. */
async function connect(options: tls.ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = tls.connect({
    ...{ host: '127.0.0.1', port, ca, ...read(certificates.client), allowHalfOpen: true },
    ...{ ALPNProtocols: ['h2'], ...options },
  });
  socket.on('error', () => {});
  parts.defer(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** A client, and the member's end of its session. */
async function session(): Promise<{ client: TLSSocket; far: TLSSocket }> {
  const accepted = Promise.withResolvers<TLSSocket>();
  await open(await member('m0', accepted.resolve));
  const client = await connect();
  return { client, far: await accepted.promise };
}

async function text(socket: Socket): Promise<string> {
  let words = '';
  socket.on('data', (chunk: Buffer) => {
    words += chunk;
  });
  await once(socket, 'end');
  return words;
}

async function sum(socket: Socket, slowly: boolean): Promise<string> {
  const hash = createHash('sha256');
  socket.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    if (!slowly || Math.random() > 0.02) return;
    socket.pause();
    setTimeout(() => socket.resume(), 10);
  });
  await once(socket, 'end');
  return hash.digest('hex');
}

/** Writes as one who waits, and ends. Resolves with the sum of it. */
async function send(socket: Socket, chunks: number): Promise<string> {
  const hash = createHash('sha256');
  for (let sent = 0; sent < chunks; sent += 1) {
    const chunk = randomBytes(1 + Math.floor(Math.random() ** 3 * 200_000));
    hash.update(chunk);
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
  return hash.digest('hex');
}

describe('a session with TLS on both sides', () => {
  test('is byte-exact both ways at once, and waits for who reads slowly', async () => {
    const { client, far } = await session();
    const [up, down, upRead, downRead] = await Promise.all([
      send(client, 150),
      send(far, 150),
      sum(far, true),
      sum(client, false),
    ]);
    expect([upRead, downRead]).toEqual([up, down]);
    await dataPath.idle();
    expect(told.at(-1)).toMatch(/-closed$/);
  });

  test('lets either side finish first and read on', async () => {
    const first = await session();
    first.client.end('question');
    expect(await text(first.far)).toBe('question');
    first.far.end('answer');
    expect(await text(first.client)).toBe('answer');
    await dataPath.idle();
    expect(told).toEqual(['m0 connected', 'client-closed']);
    const second = await session();
    second.far.end('goodbye');
    expect(await text(second.client)).toBe('goodbye');
    second.client.end('last words');
    expect(await text(second.far)).toBe('last words');
    await dataPath.idle();
    expect(told.at(-1)).toBe('member-closed');
  });

  test('holds a member up whose client does not read', async () => {
    const { client, far } = await session();
    client.pause();
    const { arrayBuffers } = process.memoryUsage();
    let taken = 0;
    const chunk = Buffer.alloc(100_000);
    while (far.write(chunk) || (await drained(far))) taken += chunk.length;
    expect(taken).toBeLessThan(50_000_000); // in the kernel's buffers
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(20_000_000);
    client.resume();
    await once(far, 'drain');
  });

  test.each(['client', 'far'] as const)('ends when one side is gone: the %s', async (who) => {
    const both = await session();
    const other = who === 'client' ? both.far : both.client;
    both[who].write('x');
    await once(other, 'data');
    const ended = Promise.race([once(other, 'end'), once(other, 'error')]);
    both[who].destroy();
    await ended;
    other.destroy();
    await dataPath.idle();
    expect(dataPath.sessions.count).toBe(0);
    expect(told.at(-1)).toBe(who === 'client' ? 'client-closed' : 'member-closed');
  });

  test('is closed on both sides at the end', async () => {
    const { client, far } = await session();
    const closed = Promise.all([once(client.resume(), 'end'), once(far.resume(), 'end')]);
    expect(dataPath.close()).toBe(1);
    await closed;
    await dataPath.idle();
  });
});

/** False when it is not for as long as nobody reads. */
function drained(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 500);
    socket.once('drain', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

describe('a member', () => {
  async function reachedInPlaceOf(wrong: Member): Promise<string | undefined> {
    await open(wrong, await member('right'));
    const client = await connect();
    client.write('x');
    await once(client, 'data');
    expect(told).toContain('right connected');
    expect(wrong.load).toBe(0);
    return told[0];
  }

  test('of another authority is failed over', async () => {
    const wrong = await member('wrong', echo, certificates.stranger);
    expect(await reachedInPlaceOf(wrong)).toMatch(/^wrong tls: unable to verify/);
  });

  test('of another name is failed over', async () => {
    const files = await certificates.issue('elsewhere', [{ type: 'ip', value: '10.0.0.1' }]);
    const wrong = await member('wrong', echo, files);
    expect(await reachedInPlaceOf(wrong)).toMatch(/^wrong tls: .*10\.0\.0\.1/);
  });

  test('that speaks another protocol than the client is failed over', async () => {
    const wrong = await member('wrong', echo, certificates.server, { ALPNProtocols: ['http/1.1'] });
    expect(await reachedInPlaceOf(wrong)).toMatch(/^wrong tls: /);
    const silent = await member('wrong', echo, certificates.server, { ALPNProtocols: [] });
    expect(await reachedInPlaceOf(silent)).toBe(
      'wrong tls: speaks http/1.1 where the client speaks h2',
    );
  });

  test('that speaks no TLS is failed over', async () => {
    const plain = net.createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const wrong = memberAt(await listen(plain), 'wrong');
    expect(await reachedInPlaceOf(wrong)).toMatch(/^wrong tls: /);
  });

  test('that accepts and never greets is raced, and given up', async () => {
    const mute = memberAt(await listen(net.createServer()), 'wrong');
    expect(await reachedInPlaceOf(mute)).toBe('right connected');
    expect(told).toEqual(['right connected', 'wrong abandoned']);
    await open(mute);
    const started = performance.now();
    await once((await connect()).resume(), 'end');
    expect(performance.now() - started).toBeLessThan(7_000);
    await dataPath.idle();
    expect(told).toEqual(['wrong timeout: not connected within 5s', 'no-member']);
  });

  test('is greeted with the session of the last time', async () => {
    const resumed: boolean[] = [];
    const target = await member('m0', (socket) => {
      resumed.push(socket.isSessionReused());
      echo(socket);
    });
    await open(target);
    for (let visit = 0; visit < 3; visit += 1) {
      const client = await connect();
      client.write('x');
      await once(client, 'data');
      client.end();
      await once(client, 'end');
    }
    expect(resumed).toEqual([false, true, true]);
  });
});

describe('what is renewed', () => {
  test('counts for new connections, which resume nothing; those there are stay', async () => {
    const shownToMember: string[] = [];
    const resumed: boolean[] = [];
    await open(
      await member('m0', (socket) => {
        shownToMember.push(String(socket.getPeerCertificate().subject.CN));
        resumed.push(socket.isSessionReused());
        echo(socket);
      }),
    );
    const said = async (client: TLSSocket, word: string): Promise<string> => {
      client.write(word);
      const [chunk] = await once(client, 'data');
      return String(chunk);
    };
    const old = await connect();
    const tickets = once(old, 'session');
    expect(await said(old, 'before')).toBe('before');
    const [session] = await tickets;
    const again = await connect({ session });
    expect(again.isSessionReused()).toBe(true);
    expect(await said(again, 'again')).toBe('again');

    const renewed = await certificates.issue('renewed', [{ type: 'ip', value: '127.0.0.1' }]);
    forClients = { ...forClients, ...read(renewed) };
    forMembers = { ...forMembers, ...read(renewed) };
    const next = await connect({ session });
    expect(next.isSessionReused()).toBe(false);
    expect(next.getPeerCertificate().subject.CN).toBe('renewed');
    expect(await said(next, 'after')).toBe('after');
    expect(await said(old, 'still')).toBe('still');
    expect(shownToMember).toEqual(['client', 'client', 'renewed']);
    expect(resumed).toEqual([false, true, false]);

    forClients = { ...forClients, ca: readFileSync(certificates.otherCa, 'utf8') };
    await connect(); // the client has finished before its certificate is judged (RFC 8446 section 2)
    await expect.poll(() => told).toContain('handshake untrusted');
  });
});

/** Resolves with `true` when the connection is served, with `false` when it is closed instead. */
function isServed(socket: TLSSocket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once('data', () => resolve(true));
    for (const event of ['end', 'error', 'close']) socket.once(event, () => resolve(false));
    socket.write('x');
  });
}

/** A session to resume, of a connection that has been served: its tickets come first. */
async function sessionOf(socket: TLSSocket): Promise<Buffer | undefined> {
  expect(await isServed(socket)).toBe(true);
  return socket.getSession();
}

describe('authorities of clients', () => {
  const nobody = { cert: undefined, key: undefined };

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'that are new hold from the next handshake on: %s',
    async (maxVersion) => {
      await open(await member('m0'));
      forClients = { ...read(certificates.server) };
      const early = await connect({ ...nobody, maxVersion });
      const session = await sessionOf(early);
      forClients = { ca, ...forClients };
      // TLS 1.2 asks before the client has finished, so that it never has.
      const refused = await connect({ ...nobody, maxVersion, session }).catch(() => undefined);
      if (refused !== undefined) expect(await isServed(refused)).toBe(false);
      await expect.poll(() => told).toContain('handshake no-certificate');
      expect(await isServed(await connect({ maxVersion }))).toBe(true);
      expect(await isServed(early)).toBe(true);
    },
  );

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'that are given up are asked for no more: %s',
    async (maxVersion) => {
      await open(await member('m0'));
      expect(await isServed(await connect({ maxVersion }))).toBe(true);
      forClients = { ...read(certificates.server) };
      expect(await isServed(await connect({ ...nobody, maxVersion }))).toBe(true);
      expect(await isServed(await connect({ maxVersion }))).toBe(true);
      expect(told).not.toContainEqual(expect.stringMatching(/^handshake/));
    },
  );

  test('that are new leave a handshake under way to the rule it began under', async () => {
    await open(await member('m0'));
    forClients = { ...read(certificates.server) };
    const raw = net.connect(port, '127.0.0.1');
    parts.defer(() => void raw.destroy());
    await expect.poll(() => dataPath.waiting).toBe(1);
    forClients = { ca, ...forClients };
    expect(await isServed(await connect())).toBe(true); // the new rule is in force
    const late = tls.connect({ socket: raw, ca, ALPNProtocols: ['h2'] });
    late.on('error', () => {});
    await once(late, 'secureConnect');
    expect(await isServed(late)).toBe(true);
  });
});

/** A pair that expires in some seconds, and the promise of that. */
async function shortLived(name: string): Promise<{ files: KeyPairFiles; expired: Promise<void> }> {
  const notAfter = new Date(Math.ceil(Date.now() / 1_000 + 4) * 1_000);
  const files = await certificates.issue(name, [{ type: 'ip', value: '127.0.0.1' }], notAfter);
  // Valid up to and including that second (RFC 5280 section 4.1.2.5).
  const expired = new Promise<void>((resolve) => {
    setTimeout(resolve, notAfter.getTime() + 1_100 - Date.now());
  });
  return { files, expired };
}

describe('an expired certificate', () => {
  test('of a client gets in with no session either', async () => {
    await open(await member('m0'));
    const { files, expired } = await shortLived('short-client');
    const sessions = await Promise.all(
      (['TLSv1.2', 'TLSv1.3'] as const).map(async (maxVersion) => {
        const first = await connect({ ...read(files), maxVersion });
        const session = await sessionOf(first);
        const second = await connect({ ...read(files), maxVersion, session });
        expect(second.isSessionReused()).toBe(true);
        // In TLS 1.3 a ticket of its own.
        return { maxVersion, session: await sessionOf(second) };
      }),
    );
    await expired;
    for (const { maxVersion, session } of sessions) {
      const again = await connect({ ...read(files), maxVersion, session }).catch(() => undefined);
      if (again === undefined) continue;
      expect(again.isSessionReused()).toBe(false);
      expect(await isServed(again)).toBe(false);
    }
    await expect.poll(() => told.filter((word) => word === 'handshake untrusted')).toHaveLength(2);
    // Whoever has renewed it comes back, also with the session of the old one.
    for (const resumable of sessions) expect(await isServed(await connect(resumable))).toBe(true);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'of a member is not trusted with a session either: %s',
    async (maxVersion) => {
      const { files, expired } = await shortLived(`short-member-${maxVersion}`);
      const resumed: boolean[] = [];
      const onConnection = (socket: TLSSocket): void => {
        resumed.push(socket.isSessionReused());
        echo(socket);
      };
      await open(await member('m0', onConnection, files, { ALPNProtocols: ['h2'], maxVersion }));
      for (let visit = 0; visit < 3; visit += 1) {
        const client = await connect();
        expect(await isServed(client)).toBe(true);
        client.destroy();
      }
      expect(resumed).toEqual([false, true, true]);
      await expired;
      expect(await isServed(await connect())).toBe(false);
      await dataPath.idle();
      expect(told).toContain('m0 tls: certificate has expired');
    },
  );
});

describe('a client', () => {
  test('that never finishes its handshake is closed, and waits no longer', async () => {
    await open(await member('m0'));
    const silent = net.connect(port, '127.0.0.1');
    await once(silent, 'connect');
    await expect.poll(() => dataPath.waiting).toBe(1);
    await once(silent.resume(), 'close');
    await dataPath.idle();
    expect(told).toEqual(['handshake timeout']);
  });

  test('that leaves in between is forgotten, as is everybody at the end', async () => {
    await open(await member('m0'));
    const leaving = net.connect(port, '127.0.0.1');
    await expect.poll(() => dataPath.waiting).toBe(1);
    leaving.resetAndDestroy();
    await dataPath.idle();
    // As one who looks whether somebody listens.
    net.connect(port, '127.0.0.1').end();
    await expect.poll(() => told).toEqual(['handshake closed', 'handshake closed']);
    await dataPath.idle();
    const silent = net.connect(port, '127.0.0.1');
    await expect.poll(() => dataPath.waiting).toBe(1);
    dataPath.close();
    await once(silent.resume(), 'close');
    await dataPath.idle();
  });

  test('without a certificate waits for nobody', async () => {
    await open(await member('m0'));
    const client = await connect({ cert: undefined, key: undefined });
    await once(client, 'error');
    await dataPath.idle();
    expect(told).toEqual(['handshake no-certificate']);
  });

  test('is turned away when no member can be verified', async () => {
    await open(await member('m0', echo, certificates.stranger));
    const client = await connect();
    await once(client.resume(), 'end');
    await dataPath.idle();
    expect(told.at(-1)).toBe('no-member');
  });
});
