/** What is counted of calls, and when the client may be asked to leave. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Member } from '../../../../src/members/member.ts';
import { CallFigures, firstByteBounds } from '../../../../src/proxy/http2/call-figures.ts';
import { Calls, mostStreams } from '../../../../src/proxy/http2/calls.ts';
import {
  acknowledgement,
  clientPreface,
  endHeaders,
  endStream,
  frameTypes,
} from '../../../../src/proxy/http2/frames.ts';
import { decode, encode, type Frame, frame, settings } from '../../../support/http2-frames.ts';
import { memberAt } from '../members.ts';

const { data, headers, ping, resetStream, goAway } = frameTypes;

let m0: Member;
let figures: CallFigures;
let calls: Calls;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  m0 = memberAt(1, 'm0');
  figures = new CallFigures();
  calls = new Calls(m0, figures);
});
afterEach(() => vi.useRealTimers());

function client(...frames: Frame[]): void {
  const bytes = encode(frames);
  calls.followClient(bytes, bytes.length);
}

function member(...frames: Frame[]): number {
  const bytes = encode(frames);
  return calls.followMember(bytes, bytes.length);
}

function greet(): void {
  calls.followClient(clientPreface, clientPreface.length);
  client(settings);
  member(settings);
}

const question = (id: number): Frame[] => [
  frame(headers, endHeaders, id, 10),
  frame(data, endStream, id, 20),
];
const answer = (id: number): Frame[] => [
  frame(headers, endHeaders, id, 10),
  frame(data, 0, id, 30),
  frame(headers, endHeaders | endStream, id, 5),
];

test('are unknown until both have said what HTTP/2 begins with', () => {
  expect(calls.state).toBe('unknown');
  calls.followClient(clientPreface, 10);
  expect(calls.state).toBe('unknown');
  calls.followClient(clientPreface.subarray(10), clientPreface.length - 10);
  client(settings);
  expect(calls.state).toBe('unknown');
  member(settings);
  expect(calls.state).toBe('followed');
});

describe('counting', () => {
  beforeEach(greet);

  test('a call is in flight from the end of the question to the end of the answer', () => {
    client(frame(headers, endHeaders, 1, 10));
    expect([m0.calls, figures.streams, figures.started]).toEqual([0, 1, 1]);
    client(frame(data, endStream, 1, 10));
    expect([m0.calls, calls.inFlight]).toEqual([1, 1]);
    member(...answer(1).slice(0, 2));
    expect(m0.calls).toBe(1);
    member(...answer(1).slice(2));
    expect([m0.calls, calls.inFlight, figures.streams, figures.started]).toEqual([0, 0, 0, 1]);
  });

  test('a watch is open and not in flight', () => {
    client(frame(headers, endHeaders, 1, 10), frame(data, 0, 1, 10));
    member(...answer(1).slice(0, 2));
    expect([m0.calls, figures.streams]).toEqual([0, 1]);
    vi.advanceTimersByTime(1_001);
    expect(calls.isBusy).toBe(false);
  });

  test('a stream on which the client is still asking is busy for a second', () => {
    client(frame(headers, endHeaders, 1, 10));
    expect(calls.isBusy).toBe(true);
    vi.advanceTimersByTime(999);
    expect(calls.isBusy).toBe(true);
    vi.advanceTimersByTime(2);
    expect(calls.isBusy).toBe(false);
  });

  test.each<[string, () => void]>([
    ['the client', () => client(frame(resetStream, 0, 1, 4))],
    ['the member', () => void member(frame(resetStream, 0, 1, 4))],
  ])('a reset by %s ends it', (_, reset) => {
    client(...question(1));
    reset();
    expect([m0.calls, figures.streams]).toEqual([0, 0]);
    reset();
    member(...answer(1));
    expect([m0.calls, figures.streams]).toEqual([0, 0]);
  });

  test('how long the first byte takes goes into the right bucket', () => {
    client(...question(1), ...question(3));
    vi.advanceTimersByTime(3);
    member(...answer(1));
    vi.advanceTimersByTime(6_000);
    member(...answer(3));
    const { counts, sum } = figures.firstBytes;
    expect(counts[firstByteBounds.indexOf(5)]).toBe(1);
    expect(counts[firstByteBounds.length]).toBe(1);
    expect(sum).toBeCloseTo(6_006, 0);
  });

  test('the end of a session ends what was in flight', () => {
    client(...question(1), frame(headers, endHeaders, 3, 10));
    calls.end();
    calls.end();
    expect([m0.calls, figures.streams, figures.started]).toEqual([0, 0, 2]);
  });

  test('whatever is said, in whatever order, nothing is in flight once all streams are reset', () => {
    const said = fc.array(
      fc.record({
        byClient: fc.boolean(),
        type: fc.constantFrom(data, headers, resetStream, ping, goAway),
        ends: fc.boolean(),
        id: fc.integer({ min: 1, max: 5 }),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(said, (words) => {
        calls = new Calls(m0, figures);
        greet();
        for (const { byClient, type, ends, id } of words) {
          const isOfConnection = type === ping || type === goAway;
          const length = type === resetStream ? 4 : 8;
          const flags = isOfConnection || type === resetStream ? 0 : endHeaders | Number(ends);
          const bytes = frame(type, flags, isOfConnection ? 0 : id, length);
          if (byClient) client(bytes);
          else member(bytes);
          expect(m0.calls).toBe(calls.inFlight);
          expect(calls.inFlight).toBeGreaterThanOrEqual(0);
          expect(figures.streams).toBeGreaterThanOrEqual(calls.inFlight);
        }
        for (let id = 1; id <= 5; id += 1) client(frame(resetStream, 0, id, 4));
        expect([m0.calls, calls.inFlight, figures.streams]).toEqual([0, 0, 0]);
      }),
    );
  });
});

describe('asking the client to leave', () => {
  beforeEach(greet);

  test('the injected frames are a GOAWAY for streams to come, without an error, and a PING', () => {
    const [first, second] = decode(Buffer.from(calls.injection));
    expect(first).toMatchObject({ type: goAway, flags: 0, streamId: 0 });
    expect(Buffer.from(first?.payload ?? []).toString('hex')).toBe('7fffffff00000000');
    expect(second).toMatchObject({ type: ping, flags: 0, streamId: 0 });
    expect(second?.payload).toHaveLength(8);
  });

  test('is done at once between two frames, and once only', () => {
    expect(calls.requestGoAway()).toBe(true);
    expect(calls.goAway).toBe('sent');
    expect(calls.requestGoAway()).toBe(false);
    expect(member(...answer(1))).toBe(-1);
  });

  test('waits for the end of a frame that is on its way', () => {
    const [first = settings] = answer(1);
    const bytes = encode([first, frame(data, 0, 1, 100)]);
    expect(calls.followMember(bytes, 50)).toBe(-1);
    expect(calls.requestGoAway()).toBe(false);
    expect(calls.goAway).toBe('pending');
    expect(calls.followMember(bytes.subarray(50), 20)).toBe(-1);
    const rest = Buffer.concat([bytes.subarray(70), encode([frame(ping, 0, 0, 8)]).subarray(0, 3)]);
    expect(calls.followMember(rest, rest.length)).toBe(rest.length - 3);
    expect(calls.goAway).toBe('sent');
  });

  test('is acknowledged by the acknowledgement of our PING, not with one of the member', () => {
    member(frame(ping, 0, 0, 8), frame(ping, 0, 0, 8));
    calls.requestGoAway();
    client(frame(ping, acknowledgement, 0, 8), ...question(1));
    client(frame(ping, 0, 0, 8));
    client(frame(ping, acknowledgement, 0, 8));
    expect(calls.goAway).toBe('sent');
    client(frame(ping, acknowledgement, 0, 8));
    expect(calls.goAway).toBe('acknowledged');
    client(frame(ping, acknowledgement, 0, 8));
    expect(calls.goAway).toBe('acknowledged');
  });
});

test('what makes no sense ends the following, is counted once, and leaves nothing in flight', () => {
  greet();
  client(...question(1));
  member(frame(ping, 0, 1, 8));
  expect([calls.state, m0.calls, figures.lost]).toEqual(['lost', 0, 1]);
  client(...question(3));
  expect(member(...answer(3))).toBe(-1);
  expect([calls.state, m0.calls, figures.lost, figures.streams]).toEqual(['lost', 0, 1, 0]);
  expect(calls.requestGoAway()).toBe(false);
});

describe('the work and memory that one peer can cause', () => {
  beforeEach(greet);

  test('a session with more open streams than the bound is followed no longer', () => {
    const open = (count: number, from: number): Frame[] =>
      Array.from({ length: count }, (_, index) => frame(headers, endHeaders, from + 2 * index, 1));
    client(...open(mostStreams, 1));
    expect([calls.state, figures.streams]).toEqual(['followed', mostStreams]);
    client(...open(10, 2 * mostStreams + 1));
    expect([calls.state, figures.streams, figures.lost]).toEqual(['lost', 0, 1]);
    client(...open(10, 4 * mostStreams + 1));
    expect([figures.streams, figures.lost, m0.calls]).toEqual([0, 1, 0]);
    expect(calls.requestGoAway()).toBe(false);
  });

  test('trailers of a stream that the member has ended open it no more', () => {
    client(frame(headers, endHeaders, 1, 10));
    member(frame(headers, endHeaders | endStream, 1, 10));
    client(frame(headers, endHeaders | endStream, 1, 10));
    expect([figures.streams, figures.started, m0.calls, calls.isBusy]).toEqual([0, 1, 0, false]);
  });

  test('nothing is said where frames are followed no longer, as they end nobody knows where', () => {
    client(frame(ping, 0, 1, 8)); // a PING of a stream
    expect(calls.state).toBe('lost');
    expect(calls.requestGoAway()).toBe(false);
  });

  test('a read of 64 KiB looks at a few places for each frame, whatever is in it', () => {
    let looks = 0;
    const Plain = Int32Array;
    vi.stubGlobal('Int32Array', function counted(length: number) {
      return new Proxy(new Plain(length), {
        get: (array, key) => {
          if (key !== 'length') looks += 1;
          return Reflect.get(array, key);
        },
      });
    });
    const most = Math.floor((64 * 1024) / 9);
    const drawn = fc.record({
      type: fc.constantFrom(headers, data, resetStream),
      flags: fc.constantFrom(0, endStream),
      step: fc.constantFrom(-65_536, -2, 0, 2, 65_536),
    });
    try {
      fc.assert(
        fc.property(
          fc.array(drawn, { minLength: 1, maxLength: 20 }),
          fc.nat(4_000),
          (pattern, open) => {
            calls = new Calls(m0, figures);
            greet();
            let id = 1;
            const opened = Array.from({ length: open }, () => {
              id += 65_536;
              return frame(headers, endHeaders, id & 0x7fffffff, 0);
            });
            client(...opened);
            const frames = Array.from({ length: most }, (_, index) => {
              const { type, flags, step } = pattern[index % pattern.length] ?? {
                type: 0,
                flags: 0,
                step: 0,
              };
              id = Math.max(1, (id + step) & 0x7fffffff);
              return frame(type, flags | endHeaders, id, type === resetStream ? 4 : 0);
            });
            looks = 0;
            client(...frames);
            expect(looks / frames.length).toBeLessThanOrEqual(40);
          },
        ),
        { numRuns: 10 },
      );
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
