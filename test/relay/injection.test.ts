/**
 * What a client hears of a session whose frames are followed: what the member has said, byte for byte, and
 * whole frames of ours between two of its frames. Whatever the chunks, however the client stalls, and
 * whenever it is asked to leave. Judged by a reading of the frames that knows nothing of the relay's.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  acknowledgement,
  endHeaders,
  endStream,
  FrameFollower,
  frameTypes,
  serverPreface,
} from '../../src/proxy/http2/frames.ts';
import type { Copier, Follower } from '../../src/proxy/relay/copier.ts';
import {
  connectToSharedBuffer,
  copyBesideTls,
  copyThroughSharedBuffer,
} from '../../src/proxy/relay/shared-buffer.ts';
import { copyThroughStreams } from '../../src/proxy/relay/streams.ts';
import { encode, type Frame, frame, gaps, settings } from '../support/http2-frames.ts';
import { Pairs, relayed } from '../support/tcp.ts';

/** A busy machine needs more than the second that is usual. */
const patience = { timeout: 20_000 };

const copiers: [string, Copier, typeof connectToSharedBuffer?][] = [
  ['shared buffer', copyThroughSharedBuffer, connectToSharedBuffer],
  ['shared buffer, taken over on both sides', copyThroughSharedBuffer],
  ['streams', copyThroughStreams],
  ['shared buffer beside TLS', copyBesideTls],
];

const { data, headers, continuation, ping, windowUpdate } = frameTypes;

/** What a member may say at a time, as numbers, so that a counterexample can be read. */
const saying = fc.record({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant('data' as const) },
    fc.constantFrom(...(['headers', 'block', 'window', 'pong', 'end'] as const)),
  ),
  id: fc.constantFrom(1, 3, 5, 7),
  length: fc.oneof(fc.nat(40), fc.nat(3_000), {
    weight: 4,
    arbitrary: fc.integer({ min: 4_000, max: 16_000 }),
  }),
});
type Saying = typeof saying extends fc.Arbitrary<infer Each> ? Each : never;

const patterns = Buffer.from(
  Uint8Array.from({ length: 20_000 }, (_, index) => (index * 31) & 0xff),
);

/** A block of headers is one thing to say: nothing may come into it. */
function framesOf({ kind, id, length }: Saying): Frame[] {
  // Payloads have bytes of their own, so that nothing that is out of place can pass for another.
  const payload = patterns.subarray(length & 0xff, (length & 0xff) + length);
  switch (kind) {
    case 'data':
      return [frame(data, 0, id, payload)];
    case 'headers':
      return [frame(headers, endHeaders, id, payload)];
    case 'block':
      return [
        frame(headers, 0, id, 30),
        frame(continuation, 0, id, payload),
        frame(continuation, endHeaders, id, 20),
      ];
    case 'window':
      return [frame(windowUpdate, 0, 0, 4)];
    case 'pong':
      return [frame(ping, acknowledgement, 0, 8)];
    case 'end':
      return [frame(data, endStream, id, 0)];
  }
}

/** What happens next: the member writes so many bytes, a word is asked for, the client reads so many. */
const step = fc.record({
  speak: fc.oneof(fc.constant(1), fc.nat(30_000)),
  /** Does it go on to the end of the frame? Only then can a word be said at once. */
  isWhole: fc.integer({ min: 0, max: 4 }).map((draw) => draw > 0),
  asks: fc.boolean(),
  // Mostly less than the member has said, so that all that is between them is full again and again.
  hear: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(60_000)),
  turns: fc.nat(2),
});

const scene = fc.record({
  said: fc.array(saying, { minLength: 50, maxLength: 300 }),
  steps: fc.array(step, { minLength: 50, maxLength: 200 }),
  /** Does the member end before the client has heard it all? */
  endsEarly: fc.boolean(),
});

/** Puts words in as `Calls` does, but as many as are asked for. */
class Injector implements Follower {
  readonly injection = encode([frame(ping, 0, 0, Buffer.from('of ours.'))]);
  /** Where each word was put, in what the member has said. */
  readonly places: number[] = [];
  readonly #frames = new FrameFollower(serverPreface, () => {});
  #followed = 0;
  #isPending = false;

  followClient(): void {}

  followMember(bytes: Uint8Array, count: number): number {
    const gap = this.#frames.follow(bytes, count);
    this.#followed += count;
    if (gap < 0 || !this.#isPending) return -1;
    this.#isPending = false;
    this.places.push(this.#followed - count + gap);
    return gap;
  }

  /** Returns whether the word is to be said at once. */
  ask(): boolean {
    this.#isPending = !this.#frames.isBetweenFrames;
    if (!this.#isPending) this.places.push(this.#followed);
    return !this.#isPending;
  }
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'injection-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe.each(copiers)('through %s', (_, copy, connect) => {
  test.each(['unix socket', 'loopback'])(
    'frames of ours come between two others, over a %s',
    async (over) => {
      await using members = await Pairs.open();
      await using clients = await Pairs.open(
        over === 'loopback' ? undefined : path.join(folder, 'clients.sock'),
      );
      await fc.assert(
        fc.asyncProperty(scene, async ({ said, steps, endsEarly }) => {
          const injector = new Injector();
          const session = await relayed(members, copy, connect, injector, clients);
          const { client, member, relay } = session;
          const text = encode([settings, ...said.flatMap(framesOf)]);
          const heard: Buffer[] = [];
          member.resume();
          client.on('readable', () => {}); // so that it reads, as far as its own buffer goes
          let at = 0;
          const ends = gaps(text);
          for (const { speak, isWhole, asks, hear, turns } of steps) {
            const to = at + speak;
            const end = isWhole ? (ends.find((gap) => gap >= to) ?? to) : to;
            member.write(text.subarray(at, end));
            at = Math.min(text.length, end);
            for (let turn = 0; turn <= turns; turn += 1) await setImmediate();
            if (asks && injector.ask()) relay.inject(injector.injection);
            const chunk: Buffer | null = client.read(Math.min(hear, client.readableLength));
            if (chunk !== null) heard.push(chunk);
            await setImmediate();
          }
          const ended = once(client, 'end');
          client.removeAllListeners('readable');
          client.on('data', (chunk: Buffer) => heard.push(chunk)).resume();
          member.write(text.subarray(at));
          if (endsEarly) member.end();
          await vi.waitUntil(() => session.counts.member === text.length, patience);
          if (injector.ask()) relay.inject(injector.injection);
          member.end();
          await ended;
          const { others, words } = parted(Buffer.concat(heard), injector.injection);
          expect(others.equals(text)).toBe(true);
          for (const place of words) expect([0, ...ends]).toContain(place);
          // Nothing overtakes anything. What is said after the end is heard by nobody.
          expect(words).toEqual(injector.places.slice(0, words.length));
          expect(injector.places.length - words.length).toBeLessThanOrEqual(endsEarly ? 1 : 0);
          client.destroy();
          await session.ended;
        }),
        { numRuns: 100, endOnFailure: true },
      );
    },
  );
});

/**
 * A socket that is just full takes the next bytes into a queue of ours. When its peer has read a little, the
 * system takes more at once, and the queue is told of it only later.
 */
test.each(copiers)(
  '%s: what waits in the queue of a socket is not overtaken',
  async (_, copy, connect) => {
    await using members = await Pairs.open();
    await using clients = await Pairs.open(path.join(folder, 'clients.sock'));
    const small = encode([frame(data, 0, 1, patterns.subarray(0, 8_000))]);
    const large = encode([frame(data, 0, 1, patterns)]);
    // One of these is where the socket is full.
    for (let frames = 1; frames < 40; frames += 1) {
      const injector = new Injector();
      const session = await relayed(members, copy, connect, injector, clients);
      const { client, member, relay, counts } = session;
      const said = [encode([settings]), ...Array.from({ length: frames }, () => small)];
      let sent = 0;
      for (const each of said) {
        member.write(each);
        sent += each.length;
        for (let turn = 0; counts.member < sent && turn < 50; turn += 1) await setImmediate();
      }
      if (injector.ask()) relay.inject(injector.injection);
      const heard: Buffer[] = [];
      client.on('data', (chunk: Buffer) => heard.push(chunk));
      // A first read makes room, but not so much that the queue is told.
      client.once('data', () => client.pause()).resume();
      await once(client, 'data');
      member.write(large.subarray(0, 15_000));
      for (let turn = 0; turn < 5; turn += 1) await setImmediate();
      member.end(large.subarray(15_000));
      client.resume();
      await once(client, 'end');
      const { others, words } = parted(Buffer.concat(heard), injector.injection);
      expect(others.equals(Buffer.concat([...said, large]))).toBe(true);
      expect(words).toEqual(injector.places);
      client.destroy();
      member.resume();
      await session.ended;
    }
  },
);

test.each(copiers)(
  '%s: a word that comes after the end of the member spoils nothing',
  async (_, copy, connect) => {
    await using pairs = await Pairs.open();
    const injector = new Injector();
    const { client, member, relay, ended } = await relayed(pairs, copy, connect, injector);
    const said = encode([settings]);
    const atClient = received(client);
    const atMember = received(member);
    member.end(said);
    expect(await atClient).toEqual(said);
    if (injector.ask()) relay.inject(injector.injection);
    await setImmediate();
    client.end('last words');
    expect((await atMember).toString()).toBe('last words');
    expect(await ended).toBe('member-closed');
  },
);

/** All that comes, once the other side has ended. */
async function received(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket.resume(), 'end');
  return Buffer.concat(chunks);
}

/** What was heard without the words in it, and where in that each of them was. */
function parted(heard: Buffer, word: Buffer): { others: Buffer; words: number[] } {
  const others: Buffer[] = [];
  const words: number[] = [];
  let at = 0;
  let length = 0;
  for (let place = heard.indexOf(word); place >= 0; place = heard.indexOf(word, at)) {
    others.push(heard.subarray(at, place));
    length += place - at;
    words.push(length);
    at = place + word.length;
  }
  others.push(heard.subarray(at));
  return { others: Buffer.concat(others), words };
}
