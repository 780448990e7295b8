/**
 * Frames of any kind, whole and broken, in any chunks, both ways: what the follower tells is what a plain reading
 * of the same bytes in one piece says (RFC 9113). fast-check prints the seed of what fails.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  acknowledgement,
  clientPreface,
  endHeaders,
  type Following,
  FrameFollower,
  frameTypes,
  serverPreface,
} from '../../../../src/proxy/http2/frames.ts';
import { decode, encode, type Frame, frame, settings } from '../../../support/http2-frames.ts';

type Head = Pick<Frame, 'type' | 'flags' | 'streamId'>;

interface Reading {
  readonly told: readonly Head[];
  readonly state: Following;
  /** Offsets from the begin where a frame of somebody else's may come in. */
  readonly gaps: readonly number[];
}

/** What is to be told of these bytes, read in one piece and as the RFC is written. */
function plainReading(bytes: Buffer, preface: Uint8Array): Reading {
  const begun = bytes.subarray(0, preface.length);
  if (!begun.equals(preface.subarray(0, begun.length))) return lost([], []);
  const told: Head[] = [];
  const gaps: number[] = [];
  let block: number | undefined;
  for (let at = preface.length; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    const type = bytes.readUInt8(at + 3);
    const flags = bytes.readUInt8(at + 4);
    const streamId = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    const isFirst = told.length === 0;
    if (isFirst && (type !== frameTypes.settings || (flags & acknowledgement) !== 0)) {
      return lost(told, gaps);
    }
    const isExpected =
      block === undefined
        ? type !== frameTypes.continuation
        : type === frameTypes.continuation && streamId === block;
    if (!isExpected || !isWellFormed(type, length, streamId)) return lost(told, gaps);
    if (type === frameTypes.headers || type === frameTypes.continuation) {
      block = (flags & endHeaders) === 0 ? streamId : undefined;
    }
    told.push({ type, flags, streamId });
    at += 9 + length;
    if (at <= bytes.length && block === undefined) gaps.push(at);
  }
  return { told, gaps, state: told.length === 0 ? 'preface' : 'frames' };
}

const lost = (told: Head[], gaps: number[]): Reading => ({ told, gaps, state: 'lost' });

function isWellFormed(type: number, length: number, streamId: number): boolean {
  if (type > frameTypes.continuation || type === 2 || type === 5) return true;
  if (type === frameTypes.windowUpdate) return length === 4;
  const isOfConnection = [frameTypes.settings, frameTypes.ping, frameTypes.goAway] as number[];
  if (isOfConnection.includes(type) !== (streamId === 0)) return false;
  if (type === frameTypes.resetStream) return length === 4;
  if (type === frameTypes.settings) return length % 6 === 0;
  if (type === frameTypes.ping) return length === 8;
  return type !== frameTypes.goAway || length >= 8;
}

/** The same through the follower, in chunks that end at `cuts`, all through one buffer as a copier does. */
function follow(bytes: Buffer, preface: Uint8Array, cuts: readonly number[]) {
  const told: Head[] = [];
  const gaps: number[] = [];
  const follower = new FrameFollower(preface, (type, flags, streamId) => {
    told.push({ type, flags, streamId });
  });
  const buffer = Buffer.alloc(bytes.length + 10, 0xee);
  let from = 0;
  for (const end of endsOf(bytes, cuts)) {
    bytes.copy(buffer, 0, from, end);
    const gap = follower.follow(buffer, end - from);
    if (gap >= 0) gaps.push(from + gap);
    from = end;
  }
  return { told, gaps, state: follower.state };
}

const endsOf = (bytes: Buffer, cuts: readonly number[]): number[] =>
  [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );

/** Of the gaps in each chunk, the last: that is where a copier looks. */
function lastOfEach(bytes: Buffer, cuts: readonly number[], gaps: readonly number[]): number[] {
  let from = 0;
  return endsOf(bytes, cuts).flatMap((end) => {
    const last = gaps.findLast((gap) => gap <= end);
    const isInside = last !== undefined && last >= from;
    from = end;
    return isInside ? [last] : [];
  });
}

/** Mostly frames as they may be, some of any type, length and stream. */
const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(0, 1, 9),
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(1, 3, 5),
      fc.nat(30),
    )
    .map(([type, flags, id, length]) => frame(type, flags, id, length)),
  fc.constantFrom(
    ...[frame(frameTypes.ping, 0, 0, 8), frame(frameTypes.resetStream, 0, 5, 4), settings],
    ...[frame(frameTypes.windowUpdate, 0, 7, 4), frame(frameTypes.goAway, 0, 0, 20)],
    ...[frame(frameTypes.headers, endHeaders, 1, 9), frame(frameTypes.data, 1, 1, 100)],
  ),
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(12), fc.nat(255), fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1), fc.nat(20))
      .map(([type, flags, id, length]) => frame(type, flags, id, length)),
  },
);
const frames = fc
  .tuple(fc.boolean(), fc.array(anyFrame, { maxLength: 15 }))
  .map(([begins, some]) => encode(begins ? [settings, ...some] : some));
const cuts = fc.array(fc.nat(2_000), { maxLength: 30 });
const damage = fc.option(fc.tuple(fc.nat(2_000), fc.nat(255)), { nil: undefined });

describe.each([
  ['a client', clientPreface],
  ['a server', serverPreface],
])('of %s', (_, preface) => {
  function expectAsRead(bytes: Buffer, where: readonly number[]): void {
    const expected = plainReading(bytes, preface);
    const { told, gaps, state } = follow(bytes, preface, where);
    expect(told).toEqual(expected.told);
    expect(state).toBe(expected.state);
    // Where it is lost within a chunk, no place in it is named.
    const places = lastOfEach(bytes, where, expected.gaps);
    if (state === 'lost') expect(places.slice(0, gaps.length)).toEqual(gaps);
    else expect(gaps).toEqual(places);
  }

  test('frames, some of them impossible', () => {
    fc.assert(
      fc.property(frames, cuts, (some, where) =>
        expectAsRead(Buffer.concat([preface, some]), where),
      ),
      { numRuns: 2_000 },
    );
  });

  test('frames with a byte that was changed, cut off anywhere', () => {
    fc.assert(
      fc.property(frames, cuts, damage, fc.nat(2_000), (some, where, change, end) => {
        const bytes = Buffer.concat([preface, some]);
        if (change !== undefined && bytes.length > 0) {
          bytes.writeUInt8(change[1], change[0] % bytes.length);
        }
        expectAsRead(bytes.subarray(0, end % (bytes.length + 1)), where);
      }),
      { numRuns: 2_000 },
    );
  });

  test('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), cuts, (noise, begins, where) =>
        expectAsRead(Buffer.concat([begins ? preface : Buffer.alloc(0), noise]), where),
      ),
      { numRuns: 2_000 },
    );
  });

  test('as many frames as a chunk can hold are told in one go, and nothing is kept of them', () => {
    const bytes = encode(Array.from({ length: 7_000 }, () => frame(frameTypes.data, 0, 1, 0)));
    let told = 0;
    const follower = new FrameFollower(preface, () => {
      told += 1;
    });
    follower.follow(Buffer.concat([preface, encode([settings])]), preface.length + 9);
    for (let round = 0; round < 50; round += 1) follower.follow(bytes, bytes.length);
    expect(told).toBe(1 + 50 * decode(bytes).length);
    expect(follower.state).toBe('frames');
  });
});
