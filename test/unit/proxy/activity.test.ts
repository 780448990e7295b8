import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isQuiet, look, newActivity } from '../../../src/proxy/activity.ts';
import type { ByteCounts } from '../../../src/proxy/copier.ts';

const speakers = { ask: 'client', answer: 'member', acknowledge: 'member' } as const;
const lengths = { ask: 20, answer: 65, acknowledge: 43 } as const;
type Word = keyof typeof speakers;

/** Lives through moments of 50 ms, each with what happened in it, looked at when it is over. */
function live(moments: readonly (readonly Word[])[]) {
  const bytes: ByteCounts = {
    ...{ client: 0, member: 0, memberSpokeLast: false, noted: true },
    note: () => {},
  };
  const activity = newActivity(0);
  let now = 0;
  for (const moment of moments) {
    for (const word of moment) {
      bytes[speakers[word]] += lengths[word];
      bytes.memberSpokeLast = word !== 'ask';
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
    ['a question acknowledged, but not answered', [['ask', 'acknowledge'], [], []], false],
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

  test('does not end with an acknowledgement', () => {
    expect(live([['ask'], ['acknowledge'], []]).activity.waitingSince).toBe(50);
    expect(live([['ask', 'acknowledge'], ['answer']]).activity.waitingSince).toBeUndefined();
  });

  test('begins anew with a question after an answer', () => {
    expect(live([['ask'], ['answer', 'ask']]).activity.waitingSince).toBe(100);
  });

  test('is exactly the time since the client spoke last and the member has not', () => {
    const words = fc.array(fc.array(fc.constantFrom<Word>('ask', 'answer'), { maxLength: 3 }), {
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
