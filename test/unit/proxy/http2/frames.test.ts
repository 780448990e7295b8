/** Following frames: the same as reading them in one piece, whatever the chunks; and no harm by any bytes. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  acknowledgement,
  clientPreface,
  endHeaders,
  FrameFollower,
  frameTypes,
  serverPreface,
} from '../../../../src/proxy/http2/frames.ts';
import {
  type Conversation,
  converse,
  decode,
  encode,
  type Frame,
  frame,
  framesOf,
  gaps,
  settings,
} from '../../../support/http2-frames.ts';

const { data, headers, continuation, ping, resetStream, windowUpdate, goAway } = frameTypes;

interface Followed {
  readonly seen: Pick<Frame, 'type' | 'flags' | 'streamId'>[];
  /** Offsets from the begin that were named as places for a frame of somebody else's. */
  readonly places: number[];
  readonly follower: FrameFollower;
}

/** Follows these bytes in chunks that end at `cuts`, all through one buffer, as a copier does. */
function follow(bytes: Buffer, cuts: readonly number[], preface = serverPreface): Followed {
  const seen: Followed['seen'] = [];
  const places: number[] = [];
  const follower = new FrameFollower(preface, (type, flags, streamId) => {
    seen.push({ type, flags, streamId });
  });
  const buffer = Buffer.alloc(bytes.length + 20, 0xee);
  const ends = [...new Set([...cuts, bytes.length])].sort((a, b) => a - b);
  let from = 0;
  for (const end of ends) {
    bytes.copy(buffer, 0, from, end);
    const place = follower.follow(buffer, end - from);
    if (place >= 0) places.push(from + place);
    from = end;
  }
  return { seen, places, follower };
}

const heads = (bytes: Buffer): Followed['seen'] =>
  decode(bytes).map(({ type, flags, streamId }) => ({ type, flags, streamId }));

const cutsIn = (length: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 0, max: length }), { maxLength: 40 });

/** A frame as it may come after the first, or several that belong together. */
const group: fc.Arbitrary<Frame[]> = fc.oneof(
  fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.nat(100), fc.nat(40))
    .map(([flags, id, length]) => [frame(data, flags, id + 1, length)]),
  fc.tuple(fc.nat(100), fc.array(fc.nat(30), { minLength: 1, maxLength: 4 })).map(([id, lengths]) =>
    lengths.map((length, index) => {
      const isLast = index === lengths.length - 1;
      return frame(index === 0 ? headers : continuation, isLast ? endHeaders : 0, id + 1, length);
    }),
  ),
  fc.constantFrom<Frame[][]>(
    [frame(ping, 0, 0, 8)],
    [frame(ping, acknowledgement, 0, 8)],
    [frame(resetStream, 0, 5, 4)],
    [frame(windowUpdate, 0, 0, 4)],
    [frame(windowUpdate, 0, 7, 4)],
    [frame(goAway, 0, 0, 20)],
    [frame(frameTypes.settings, acknowledgement)],
    [frame(0xbe, 0xff, 0x7fffffff, 3)],
  ),
);

describe('generated frames', () => {
  const stream = fc
    .array(group, { maxLength: 12 })
    .map((groups) => encode([settings, ...groups.flat()]));

  test('are the same in any chunks as in one piece', () => {
    fc.assert(
      fc.property(
        stream.chain((bytes) => fc.tuple(fc.constant(bytes), cutsIn(bytes.length))),
        ([bytes, cuts]) => {
          const { seen, follower } = follow(bytes, cuts);
          expect(seen).toEqual(heads(bytes));
          expect(follower.isBetweenFrames).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('leave room for another frame behind whole ones only, and always the last in a chunk', () => {
    fc.assert(
      fc.property(
        stream.chain((bytes) => fc.tuple(fc.constant(bytes), cutsIn(bytes.length))),
        ([bytes, cuts]) => {
          const allowed = gaps(bytes);
          let from = 0;
          const expected: number[] = [];
          for (const end of [...new Set([...cuts, bytes.length])].sort((a, b) => a - b)) {
            const last = allowed.findLast((gap) => gap <= end);
            if (last !== undefined && last >= from) expected.push(last);
            from = end;
          }
          expect(follow(bytes, cuts).places).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('may end anywhere: then there is no room, and nothing is lost', () => {
    fc.assert(
      fc.property(
        stream.chain((bytes) =>
          fc.tuple(fc.constant(bytes), fc.nat(bytes.length), cutsIn(bytes.length)),
        ),
        ([whole, end, cuts]) => {
          const bytes = whole.subarray(0, end);
          const { follower } = follow(
            bytes,
            cuts.filter((cut) => cut <= end),
          );
          expect(follower.state).toBe(end < 9 ? 'preface' : 'frames');
          expect(follower.isBetweenFrames).toBe(gaps(whole).includes(end));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a real conversation', () => {
  let said: Conversation;
  beforeAll(async () => {
    said = await converse(30);
  });

  test.each(['client', 'server'] as const)('of the %s is followed to its end', (who) => {
    const preface = who === 'client' ? clientPreface : serverPreface;
    const bytes = said[who];
    const frames = who === 'client' ? framesOf(bytes) : bytes;
    expect(heads(frames).length).toBeGreaterThan(50);
    // Headers of 20,000 bytes do not fit one frame.
    if (who === 'server') expect(heads(frames).map(({ type }) => type)).toContain(continuation);
    fc.assert(
      fc.property(cutsIn(bytes.length), (cuts) => {
        const { seen, follower } = follow(bytes, cuts, preface);
        expect(seen).toEqual(heads(frames));
        expect(follower.isBetweenFrames).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('byte by byte, too', () => {
    const cuts = Array.from({ length: said.client.length }, (_, index) => index);
    const { seen } = follow(said.client, cuts, clientPreface);
    expect(seen).toEqual(heads(framesOf(said.client)));
  });

  test('with a flipped bit does no harm: nothing is thrown, and what is told is a frame that is there', () => {
    fc.assert(
      fc.property(
        fc.nat(said.server.length - 1),
        fc.nat(7),
        cutsIn(said.server.length),
        (at, bit, cuts) => {
          const bytes = Buffer.from(said.server);
          bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
          const { seen, places } = follow(bytes, cuts);
          const whole = heads(bytes); // the last that is told of may not be
          expect(seen.slice(0, whole.length)).toEqual(whole.slice(0, seen.length));
          for (const place of places) expect(gaps(bytes)).toContain(place);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('bytes that are no HTTP/2', () => {
  test.each([
    ['HTTP/1.1', Buffer.from('GET /health HTTP/1.1\r\nHost: etcd\r\n\r\n'), clientPreface],
    ['an answer of HTTP/1.1', Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), serverPreface],
    ['TLS', Buffer.from('16030100c8010000c4', 'hex'), serverPreface],
    ['TLS of a client', Buffer.from('16030100c8010000c4', 'hex'), clientPreface],
    ['almost the preface', Buffer.from('PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n'), clientPreface],
  ])('%s is seen to be none', (_, bytes, preface) => {
    const { seen, places, follower } = follow(bytes, [], preface);
    expect(follower.state).toBe('lost');
    expect(seen).toEqual([]);
    expect(places).toEqual([]);
  });

  test.each<[string, Frame[]]>([
    ['a beginning without settings', [frame(ping, 0, 0, 8)]],
    ['a beginning with an acknowledgement', [frame(frameTypes.settings, acknowledgement)]],
    ['DATA of no stream', [settings, frame(data, 0, 0, 1)]],
    ['HEADERS of no stream', [settings, frame(headers, endHeaders, 0, 1)]],
    ['CONTINUATION of nothing', [settings, frame(continuation, endHeaders, 1, 1)]],
    [
      'a frame within a block of headers',
      [settings, frame(headers, 0, 1, 1), frame(ping, 0, 0, 8)],
    ],
    [
      'CONTINUATION of another stream',
      [settings, frame(headers, 0, 1, 1), frame(continuation, endHeaders, 3, 1)],
    ],
    ['a PING of 7 bytes', [settings, frame(ping, 0, 0, 7)]],
    ['a PING of a stream', [settings, frame(ping, 0, 1, 8)]],
    ['RST_STREAM of 5 bytes', [settings, frame(resetStream, 0, 1, 5)]],
    ['RST_STREAM of no stream', [settings, frame(resetStream, 0, 0, 4)]],
    ['SETTINGS of 7 bytes', [settings, frame(frameTypes.settings, 0, 0, 7)]],
    ['SETTINGS of a stream', [settings, frame(frameTypes.settings, 0, 1, 6)]],
    ['GOAWAY of 7 bytes', [settings, frame(goAway, 0, 0, 7)]],
    ['WINDOW_UPDATE of 3 bytes', [settings, frame(windowUpdate, 0, 0, 3)]],
  ])('%s ends the following for good', (_, frames) => {
    const { seen, follower } = follow(encode(frames), []);
    expect(follower.state).toBe('lost');
    expect(seen).toHaveLength(frames.length - 1);
    follower.follow(encode([settings]), 9);
    expect(follower.state).toBe('lost');
    expect(follower.isBetweenFrames).toBe(false);
    expect(seen).toHaveLength(frames.length - 1);
  });

  test('a frame of 16 MB is skipped as any other', () => {
    const bytes = encode([settings, frame(data, 1, 1, 2 ** 24 - 1), frame(ping, 0, 0, 8)]);
    const { seen, follower } = follow(bytes, [1_000_000, 9_000_001]);
    expect(seen.map(({ type }) => type)).toEqual([frameTypes.settings, data, ping]);
    expect(follower.isBetweenFrames).toBe(true);
  });

  test('any bytes at all: nothing is thrown, no place is named outside of them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, begins) => {
        const bytes = Buffer.concat([begins ? encode([settings]) : Buffer.alloc(0), noise]);
        const follower = new FrameFollower(serverPreface, () => {});
        const place = follower.follow(bytes, bytes.length);
        expect(place).toBeGreaterThanOrEqual(-1);
        expect(place).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 500 },
    );
  });
});
