/** Questions, answers and acknowledgements, told apart by their lengths within records of TLS. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ByteCounts,
  clientSpoke,
  hasOpenQuestion,
  memberSpoke,
  plainBytes,
  withinTls,
} from '../../../../src/proxy/relay/byte-counts.ts';

/** One record of these frames: a WINDOW_UPDATE has 13 bytes, a PING 17, and TLS 1.3 adds 22. */
const record = (...frames: number[]): number => frames.reduce((sum, each) => sum + each, 22);
const [window, ping] = [13, 17];
/** A HEADERS whose fields are all known by now, and a DATA with a short key. */
const question = record(22, 19);
const answer = record(65);
/** What is said: the client's as it is, the member's as a negative number. */
type Talk = readonly number[];

function talk(said: Talk, wire = withinTls): ByteCounts {
  const counts = new ByteCounts(wire, () => {});
  for (const bytes of said) {
    if (bytes > 0) clientSpoke(counts, bytes);
    else memberSpoke(counts, -bytes);
  }
  return counts;
}

const handshake: Talk = [300, -3_000, 3_000];
const opening: Talk = [...handshake, 100, -300, question, -answer];
const event = -record(150);
const watches: [string, Talk][] = [
  ['nothing was asked', []],
  ['a call was answered', [question, -answer]],
  ['and its question acknowledged first', [question, -record(window, ping), record(ping), -answer]],
  ['an event came, acknowledged with a PING', [event, record(window, ping), -record(ping)]],
  ['an event came, acknowledged without one', [event, record(window)]],
  ['the client has sent a keepalive', [record(ping), -record(ping)]],
  ['the client has sent two', [record(ping), -record(ping), record(ping), -record(ping)]],
  ['headers, data and trailers came apart', [question, -record(11), -record(44), -record(12)]],
  ['a long answer, acknowledged all along', [question, -16_000, 35, -16_000, 35, -900, 52, -39]],
];
test.each(watches)('no question is open where %s', (_, said) => {
  expect(hasOpenQuestion(talk([...opening, ...said]))).toBe(false);
});

const calls: [string, Talk][] = [
  ['the shortest there is', [record(16, 14)]],
  ['in two records', [record(22), record(19)]],
  ['acknowledged', [question, -record(window, ping)]],
  ['acknowledged, and that again', [question, -record(window, ping), record(ping)]],
  ['acknowledged by an older server', [question, -record(window, window)]],
  ['and by two of its records', [question, -record(window), -record(window)]],
  ['with a keepalive beside it', [question, record(ping), -record(ping)]],
  ['right after the answer to another', [question, -answer, question]],
  ['after what acknowledges that', [question, -answer, record(window, ping), -39, question]],
  [
    'one of two, which were acknowledged',
    [question, -52, record(ping), question, -52, record(ping)],
  ],
  ['one of three, of which two are answered', [question, question, question, -answer, -answer]],
  ['by HTTP/1.1', [330]],
];
test.each(calls)('a question is open: %s', (_, said) => {
  expect(hasOpenQuestion(talk([...opening, ...said]))).toBe(true);
});

const ticket = -record(1_300);
test.each<[string, Talk, boolean]>([
  ['asked with the end of the handshake', [330, ticket], true],
  ['and in the same chunk', [ticket], true],
  ['and answered', [330, ticket, -4_000], false],
  ['asked when it has ended', [ticket, 330], true],
  ['and answered', [ticket, 330, -answer], false],
  ['asked after the settings of HTTP/2', [ticket, -100, record(9), question, -answer], false],
])('what ends a handshake is no answer: %s', (_, said, isOpen) => {
  expect(hasOpenQuestion(talk([...handshake, ...said]))).toBe(isOpen);
});

test('a long question has as long an acknowledgement, and an answer as any', () => {
  const upload = [20_000, 30_000, 14_000];
  expect(hasOpenQuestion(talk([...opening, ...upload, -record(window, ping)]))).toBe(true);
  expect(hasOpenQuestion(talk([...opening, ...upload, -1_000]))).toBe(false);
});

test('plain bytes have shorter frames', () => {
  expect(hasOpenQuestion(talk([100, -65, 30], plainBytes))).toBe(true);
  expect(hasOpenQuestion(talk([100, -65, 30, -43], plainBytes))).toBe(true);
  expect(hasOpenQuestion(talk([100, -65, 30, -65], plainBytes))).toBe(false);
  expect(hasOpenQuestion(talk([100, -65, 30, -17], plainBytes))).toBe(false); // an event, acknowledged
});

test('whatever was said before, a question is open until the member has said more than acknowledgements', () => {
  const before = fc.array(fc.integer({ min: -400, max: 400 }).filter((bytes) => bytes !== 0));
  fc.assert(
    fc.property(before, fc.integer({ min: 100, max: 5_000 }), (said, bytes) => {
      const counts = talk(said);
      clientSpoke(counts, bytes);
      expect(hasOpenQuestion(counts)).toBe(true);
      memberSpoke(counts, 40);
      expect(hasOpenQuestion(counts)).toBe(true);
    }),
  );
});
