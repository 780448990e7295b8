/** The relay against real sockets, the same tests for both ways of copying. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { handOver } from '../../src/lib/unexpected.ts';
import type { Copier } from '../../src/proxy/relay/copier.ts';
import { resetConnection } from '../../src/proxy/relay/relay.ts';
import {
  connectToSharedBuffer,
  copyBesideTls,
  copyThroughSharedBuffer,
} from '../../src/proxy/relay/shared-buffer.ts';
import { copyThroughStreams } from '../../src/proxy/relay/streams.ts';
import { Pairs, type Relayed, relayed } from '../support/tcp.ts';

// What is handed over would end the test.
vi.mock('../../src/lib/unexpected.ts', () => ({ handOver: vi.fn() }));

const copiers: [string, Copier, typeof connectToSharedBuffer?][] = [
  ['shared buffer', copyThroughSharedBuffer, connectToSharedBuffer],
  ['shared buffer, taken over on both sides', copyThroughSharedBuffer],
  ['streams', copyThroughStreams],
  ['shared buffer beside TLS', copyBesideTls],
];

describe.each(copiers)('relay through %s', (_, copy, connect) => {
  let pairs: Pairs;
  beforeEach(async () => {
    pairs = await Pairs.open();
  });
  afterEach(() => pairs[Symbol.asyncDispose]());

  test('is byte-exact both ways at once, whatever the chunks', async () => {
    const sessions: Relayed[] = [];
    while (sessions.length < 8) sessions.push(await relayed(pairs, copy, connect));
    await Promise.all(
      sessions.map(async ({ client, member, counts, ended }) => {
        const [up, down, upRead, downRead] = await Promise.all([
          sendRandomly(client, 8_000_000),
          sendRandomly(member, 8_000_000),
          receive(member, { slowly: true }),
          receive(client),
        ]);
        expect(upRead).toEqual(up);
        expect(downRead).toEqual(down);
        await ended;
        expect(counts).toMatchObject({ client: up.bytes, member: down.bytes });
      }),
    );
  });

  test('while it is held nothing comes from the client, and what the member says goes on', async () => {
    const { client, member, relay, counts, ended } = await relayed(pairs, copy, connect);
    client.write('before');
    member.resume();
    const [before] = (await once(member, 'data')) as [Buffer];
    expect(before.toString()).toBe('before');
    relay.hold();
    const question = sendRandomly(client, 3_000_000);
    const heard: Buffer[] = [];
    const heardAll = once(
      member.on('data', (chunk: Buffer) => heard.push(chunk)),
      'end',
    );
    const answer = receive(client);
    const said = await sendRandomly(member, 3_000_000);
    expect(await answer).toEqual(said);
    expect(heard).toEqual([]);
    expect(counts.client).toBe('before'.length);
    expect(relay.catchUp()).toBe(true); // it may have something, so it is not to be moved
    relay.release();
    const sent = await question;
    await Promise.all([ended, heardAll]);
    const sha256 = createHash('sha256').update(Buffer.concat(heard)).digest('hex');
    expect(sha256).toBe(sent.sha256);
  });

  test('is byte-exact however often it is held, to a member that reads slowly', async () => {
    const { client, member, relay, ended } = await relayed(pairs, copy, connect);
    const turns = setInterval(() => {
      relay.hold();
      relay.hold(); // twice is once
      setTimeout(() => relay.release(), 3);
    }, 7);
    const [up, down, upRead, downRead] = await Promise.all([
      sendRandomly(client, 8_000_000),
      sendRandomly(member, 8_000_000),
      receive(member, { slowly: true }),
      receive(client),
    ]);
    clearInterval(turns);
    expect(upRead).toEqual(up);
    expect(downRead).toEqual(down);
    await ended;
  });

  test('the end of a hold does not end the wait for a member that has not read', async () => {
    const { client, member, relay, counts, ended } = await relayed(pairs, copy, connect);
    const question = sendRandomly(client, 24_000_000);
    let before = -1;
    while (counts.client !== before) {
      before = counts.client;
      await new Promise((resolve) => setTimeout(resolve, 50)); // until everything between is full
    }
    relay.hold();
    relay.release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(counts.client - before).toBeLessThan(200_000);
    member.end();
    client.resume();
    expect(await receive(member)).toEqual(await question);
    await ended;
  });

  test.each(['client', 'member'] as const)(
    'an error in what reads the %s ends the session, and no other',
    async (who) => {
      vi.mocked(handOver).mockClear();
      const fail = (of: 'client' | 'member'): number => {
        if (of === who) throw new Error('a defect');
        return -1;
      };
      const follower = {
        injection: new Uint8Array(0),
        followClient: () => void fail('client'),
        followMember: () => fail('member'),
      };
      const broken = await relayed(pairs, copy, connect, follower);
      const other = await relayed(pairs, copy, connect);
      const closed = (socket: Socket) => new Promise((resolve) => socket.on('close', resolve));
      const ends = Promise.all([closed(broken.client), closed(broken.member)]);
      broken.client.resume();
      broken.member.resume();
      broken[who].write('anything');
      await ends;
      await broken.ended;
      expect(handOver).toHaveBeenCalledWith(new Error('a defect'));
      other.client.end('question');
      expect(await text(other.member)).toBe('question');
      other.member.end();
      other.client.resume();
      await other.ended;
    },
  );

  test('the client may finish first and still read the answer', async () => {
    const { client, member, ended } = await relayed(pairs, copy, connect);
    client.end('question');
    expect(await text(member)).toBe('question');
    member.end('answer');
    expect(await text(client)).toBe('answer');
    expect(await ended).toBe('client-closed');
  });

  test('the member may finish first and still read on', async () => {
    const { client, member, ended } = await relayed(pairs, copy, connect);
    member.end('goodbye');
    expect(await text(client)).toBe('goodbye');
    client.end('last words');
    expect(await text(member)).toBe('last words');
    expect(await ended).toBe('member-closed');
  });

  test('what is on its way arrives although both have finished', async () => {
    const { client, member, ended } = await relayed(pairs, copy, connect);
    client.end();
    const sent = await sendRandomly(member, 16_000_000, { awaitDrain: false });
    await new Promise((resolve) => setTimeout(resolve, 50)); // the relay has to be held up by now
    expect(await receive(client)).toEqual(sent);
    await ended;
  });

  test.each([
    ['client', 'client-reset'],
    ['member', 'member-reset'],
  ] as const)('a reset by the %s is passed on as a reset', async (who, reason) => {
    const session = await relayed(pairs, copy, connect);
    const other = who === 'client' ? session.member : session.client;
    session[who].write('x');
    other.resume();
    await once(other, 'data');
    session[who].resetAndDestroy();
    const [error] = (await once(other, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect(await session.ended).toBe(reason);
  });

  test('catching up passes on what has arrived unread, where that can be told, and loses nothing', async () => {
    const { client, member, relay, ended } = await relayed(pairs, copy, connect);
    expect(relay.catchUp()).toBe(false);
    const question = randomBytes(100_000);
    client.write(question);
    // The loop is not left: what the kernel hands over now nobody else can have read.
    if (copy === copyThroughSharedBuffer) while (!relay.catchUp());
    else expect(relay.catchUp()).toBe(false);
    client.end();
    member.end();
    expect((await receive(member)).sha256).toBe(
      createHash('sha256').update(question).digest('hex'),
    );
    client.resume();
    await ended;
    expect(relay.catchUp()).toBe(false);
  });

  test('ends, whatever else happens in the moment of a reset', async () => {
    const meanwhile: ((session: Relayed) => void)[] = [
      ({ relay }) => relay.close(),
      ({ client }) => client.resetAndDestroy(),
      ({ client }) => client.end('last words'),
    ];
    for (let round = 0; round < 60; round += 1) {
      const session = await relayed(pairs, copy, connect);
      session.client.write('question');
      if (round % 2 === 0) session.member.end('answer');
      await setImmediate();
      session.member.resetAndDestroy();
      for (let turn = 0; turn < round % 5; turn += 1) await setImmediate();
      meanwhile[round % meanwhile.length]?.(session);
      session.client.resume();
      await session.ended;
      session.client.destroy();
    }
  });

  test('closing it closes both ends', async () => {
    const { client, member, relay, ended } = await relayed(pairs, copy, connect);
    client.resume();
    member.resume();
    const closed = Promise.all([once(client, 'end'), once(member, 'end')]);
    relay.close();
    await closed;
    expect(await ended).toBe('closed-by-us');
  });

  test('small chunks arrive in order when the kernel has no room for the next one', async () => {
    const { client, member, counts, ended } = await relayed(pairs, copy, connect);
    client.pause();
    const hash = createHash('sha256');
    let sent = 0;
    // One chunk a turn of the loop, so that the relay reads them one by one until it is held up.
    while (member.writableLength < 1_000_000 && sent < 60_000_000) {
      const chunk = randomBytes(1 + Math.floor(Math.random() * 4_500));
      hash.update(chunk);
      sent += chunk.length;
      member.write(chunk);
      await setImmediate();
    }
    await untilStill(() => counts.member);
    expect(counts.member).toBeLessThan(sent);
    const [received] = await Promise.all([receive(client), member.end()]);
    expect(received).toEqual({ bytes: sent, sha256: hash.digest('hex') });
    client.end();
    await ended;
  });

  test('a client that does not read makes the member wait, and costs no memory', async () => {
    const { client, member, counts, ended } = await relayed(pairs, copy, connect);
    // A gigabyte once for each way of copying.
    const total = copy === copyThroughSharedBuffer && !connect ? 100_000_000 : 1_000_000_000;
    const { arrayBuffers } = process.memoryUsage();
    const sending = sendZeros(member, total);
    await untilStill(() => counts.member);
    const stalledAt = counts.member;
    expect(stalledAt).toBeLessThan(50_000_000); // what the kernel's buffers hold, not the process
    const before = process.memoryUsage();
    expect(before.arrayBuffers - arrayBuffers).toBeLessThan(20_000_000);
    let received = 0;
    let highest = 0;
    client.on('data', (chunk) => {
      received += chunk.length;
      highest = Math.max(highest, process.memoryUsage.rss());
    });
    client.resume();
    client.end();
    await Promise.all([sending, once(client, 'end'), ended]);
    expect(received).toBe(total);
    expect(highest - before.rss).toBeLessThan(150_000_000); // of a gigabyte; mostly this test's own reads
  });
});

describe('a connection that is reset', () => {
  test.each([
    ['open', () => {}],
    ['being shut down', (socket: Socket) => socket.end()],
    ['being shut down behind what it has still to send', (socket: Socket) => flood(socket).end()],
  ])('is closed at once when it is %s, also if it is destroyed besides', async (_, before) => {
    await using pairs = await Pairs.open();
    const { far } = await pairs.connect();
    before(far);
    const closed = once(far, 'close');
    resetConnection(far);
    far.destroy();
    await closed;
  });
});

function flood(socket: Socket): Socket {
  while (socket.writableLength < 1_000_000) socket.write(Buffer.alloc(1_000_000));
  return socket;
}

interface Sum {
  readonly bytes: number;
  readonly sha256: string;
}

/** Writes about `total` random bytes in chunks of random size, then ends. */
async function sendRandomly(
  socket: Socket,
  total: number,
  { awaitDrain = true } = {},
): Promise<Sum> {
  const hash = createHash('sha256');
  let bytes = 0;
  while (bytes < total) {
    const size = 1 + Math.floor(Math.random() ** 3 * 200_000);
    const chunk = randomBytes(size);
    hash.update(chunk);
    bytes += size;
    if (!socket.write(chunk) && awaitDrain) await once(socket, 'drain');
  }
  socket.end();
  return { bytes, sha256: hash.digest('hex') };
}

async function sendZeros(socket: Socket, total: number): Promise<void> {
  const chunk = Buffer.alloc(1_000_000);
  for (let sent = 0; sent < total; sent += chunk.length) {
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
}

/** Reads to the end; `slowly`: with rests, so that the relay is held up again and again. */
async function receive(socket: Socket, { slowly = false } = {}): Promise<Sum> {
  const hash = createHash('sha256');
  let bytes = 0;
  let sinceRest = 0;
  socket.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
    sinceRest += chunk.length;
    if (!slowly || sinceRest < 1_000_000) return;
    sinceRest = 0;
    socket.pause();
    setTimeout(() => socket.resume(), 10);
  });
  socket.resume();
  await once(socket, 'end');
  return { bytes, sha256: hash.digest('hex') };
}

async function text(socket: Socket): Promise<string> {
  let words = '';
  socket.on('data', (chunk: Buffer) => {
    words += chunk;
  });
  socket.resume();
  await once(socket, 'end');
  return words;
}

/** Resolves when a figure that moves has stopped moving for 300 ms. */
async function untilStill(figure: () => number): Promise<void> {
  for (let last = -1, next = figure(); next !== last; ) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    last = next;
    next = figure();
    if (next === 0) last = -1;
  }
}
