import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { memberSpoke } from '../../../../src/proxy/relay/byte-counts.ts';
import { nextRest } from '../../../../src/proxy/sessions/idle-gap.ts';
import { FakeSessions } from '../fake-session.ts';
import { memberAt } from '../members.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** When it rests, ms from now, in a session where things happen at given times. */
async function restOf(life: Readonly<Record<number, 'ask' | 'answer' | 'close'>>) {
  const session = new FakeSessions().open(memberAt(1, 'm0'));
  const begun = performance.now();
  const rests = nextRest(session).then((found) => found && performance.now() - begun);
  for (const [at, what] of Object.entries(life)) {
    setTimeout(() => (what === 'close' ? session.close('evicted') : session[what]()), Number(at));
  }
  await vi.advanceTimersByTimeAsync(1_100);
  return rests;
}

test('a session rests a little after an answer', async () => {
  const rests = await restOf({ 98: 'ask', 102: 'answer' });
  expect(rests).toBeGreaterThanOrEqual(112);
  expect(rests).toBeLessThanOrEqual(122);
});

test('not when the next question follows at once, and not before that is answered', async () => {
  expect(await restOf({ 8: 'ask', 12: 'answer', 14: 'ask', 203: 'answer' })).toBeGreaterThan(212);
});

test('a long answer may pause, and its end is waited for longer', async () => {
  const session = new FakeSessions().open(memberAt(1, 'm0'));
  const begun = performance.now();
  const rests = nextRest(session).then((found) => found && performance.now() - begun);
  setTimeout(() => session.ask(), 20);
  for (const at of [30, 80, 130]) setTimeout(() => memberSpoke(session.bytes, 4_127), at);
  await vi.advanceTimersByTimeAsync(1_100);
  expect(await rests).toBeGreaterThanOrEqual(230);
  expect(await rests).toBeLessThanOrEqual(240);
});

test('never when nothing is answered, or it is closed meanwhile', async () => {
  expect(await restOf({})).toBe(false);
  expect(await restOf({ 10: 'ask' })).toBe(false);
  expect(await restOf({ 10: 'ask', 20: 'answer', 24: 'close' })).toBe(false);
});
