import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ByteCounts,
  clientSpoke,
  memberSpoke,
  plainBytes,
} from '../../../../src/proxy/relay/byte-counts.ts';
import { Activity, isQuiet, sample } from '../../../../src/proxy/sessions/activity.ts';

const words = {
  ask: (counts: ByteCounts) => clientSpoke(counts, 60),
  answer: (counts: ByteCounts) => memberSpoke(counts, 65),
  /** Of what the client has said. */
  acknowledge: (counts: ByteCounts) => memberSpoke(counts, 43),
  /** Both say so to a PING of the other. */
  ping: (counts: ByteCounts) => clientSpoke(counts, 17),
  pong: (counts: ByteCounts) => memberSpoke(counts, 17),
};
type Word = keyof typeof words;

/** Lives through moments of 50 ms, each with what happened in it, looked at when it is over. */
function live(moments: readonly (readonly Word[])[]) {
  const bytes = new ByteCounts(plainBytes, () => {});
  const activity = new Activity(0);
  let now = 0;
  for (const moment of moments) {
    for (const word of moment) words[word](bytes);
    now += 50;
    sample(activity, bytes, now);
  }
  return { activity, quiet: isQuiet(activity, bytes, now) };
}

const nothing = (moments: number): Word[][] => Array.from({ length: moments }, () => []);

describe('quiet', () => {
  test.each([
    ['an answer, then nothing for a moment', [['ask', 'answer'], []], true],
    ['an answer just now', [['ask', 'answer']], false],
    ['a question open for a while', [['ask'], [], [], [], []], false],
    ['a question acknowledged, but not answered', [['ask', 'acknowledge'], [], []], false],
    ['a question open for a second', [['ask'], ...nothing(20)], false],
    ['a question open for just under 10 s', [['ask'], ...nothing(199)], false],
    ['a question open for 10 s, which etcd has given up', [['ask'], ...nothing(200)], true],
    ['a keepalive PING after an answer', [['ask', 'answer'], [], ['ping', 'pong'], []], true],
    ['a PING that nobody has acknowledged', [['ask', 'answer'], ['ping'], []], false],
    ['a question beside a PING', [['ask', 'answer'], ['ping', 'ask', 'pong'], [], []], false],
    ['two questions, one answered', [['ask', 'ask', 'answer'], [], []], false],
    ['two questions, both answered', [['ask', 'ask', 'answer', 'answer'], []], true],
    ['a new session that nobody has used', [[], []], false],
  ] as const)('%s', (_, moments, quiet) => {
    expect(live(moments).quiet).toBe(quiet);
  });
});

describe('waiting', () => {
  test('begins with the first question and ends with the answer', () => {
    expect(live([[], ['ask'], [], ['ask']]).activity.waitingSince).toBe(100);
    expect(live([['ask'], [], ['answer']]).activity.waitingSince).toBeUndefined();
  });

  test('does not end with an acknowledgement', () => {
    expect(live([['ask'], ['acknowledge'], []]).activity.waitingSince).toBe(50);
    expect(live([['ask', 'acknowledge'], ['answer']]).activity.waitingSince).toBeUndefined();
  });

  test('begins anew with a question after an answer', () => {
    expect(live([['ask'], ['answer', 'ask']]).activity.waitingSince).toBe(100);
  });

  test('is exactly the time since the client spoke last and the member has not', () => {
    const lives = fc.array(fc.array(fc.constantFrom<Word>('ask', 'answer'), { maxLength: 3 }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(lives, (moments) => {
        let open = 0;
        for (const word of moments.flat()) open = word === 'ask' ? open + 1 : 0;
        const { activity } = live(moments);
        // One answer is taken for all that was asked before only where it is long enough to be that.
        if (open > 0) expect(activity.waitingSince).toBeDefined();
      }),
    );
  });
});
