import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isQuiet, look, newActivity } from '../../../src/proxy/activity.ts';
import type { ByteCounts } from '../../../src/proxy/copier.ts';

const speakers = { ask: 'client', answer: 'member' } as const;

/** Lives through moments of 50 ms, each with what happened in it, looked at when it is over. */
function live(moments: readonly (readonly ('ask' | 'answer')[])[]) {
  const bytes: ByteCounts = { client: 0, member: 0, memberSpokeLast: false };
  const activity = newActivity(0);
  let now = 0;
  for (const moment of moments) {
    for (const word of moment) {
      bytes[speakers[word]] += 1;
      bytes.memberSpokeLast = word === 'answer';
    }
    now += 50;
    look(activity, bytes, now);
  }
  return { activity, quiet: isQuiet(activity, bytes, now) };
}

describe('quiet', () => {
  test.each([
    ['an answer, then nothing for a moment', [['ask', 'answer'], []], true],
    ['an answer just now', [['ask', 'answer']], false],
    ['a question open for a while', [['ask'], [], [], [], []], false],
    ['a question open for 300 ms', [['ask'], [], [], [], [], [], []], true],
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

  test('begins anew with a question after an answer', () => {
    expect(live([['ask'], ['answer', 'ask']]).activity.waitingSince).toBe(100);
  });

  test('is exactly the time since the client spoke last and the member has not', () => {
    const words = fc.array(fc.array(fc.constantFrom('ask', 'answer'), { maxLength: 3 }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(words, (moments) => {
        const said = moments.flat();
        const { activity } = live(moments);
        expect(activity.waitingSince !== undefined).toBe(said.at(-1) === 'ask');
      }),
    );
  });
});
