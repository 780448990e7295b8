import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Drainer } from '../../../../src/proxy/sessions/drainer.ts';
import { type FakeSession, FakeSessions } from '../fake-session.ts';
import { memberAt } from '../members.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What may happen in a session. */
type Life = Readonly<Record<number, (session: FakeSession) => void>>;
const ask = (session: FakeSession): void => session.ask();
const answer = (session: FakeSession): void => session.answer();

/** When it is closed in an idle gap, ms from now, in a session where things happen at given times. */
async function gapOf(life: Life): Promise<number | undefined> {
  const sessions = new FakeSessions();
  const drainer = new Drainer(sessions);
  let gap: number | undefined;
  const session = sessions.start(memberAt(1, 'm0'));
  const begun = performance.now();
  sessions.onEnd((_, reason) => {
    if (reason === 'rebalanced') gap = performance.now() - begun;
  });
  drainer.request([session], {
    ...{ reason: 'rebalanced', graceful: true, timeout: Number.POSITIVE_INFINITY, cut: 0 },
    ...{ deadline: begun + 1_000, atDeadline: 'stay' },
  });
  for (const [at, happens] of Object.entries(life)) setTimeout(happens, Number(at), session);
  await vi.advanceTimersByTimeAsync(1_100);
  expect(vi.getTimerCount()).toBe(0);
  return gap;
}

test('a session is closed a little after an answer', async () => {
  const gap = await gapOf({ 98: ask, 102: answer });
  expect(gap).toBeGreaterThanOrEqual(112);
  expect(gap).toBeLessThanOrEqual(122);
});

test('not when the next question follows at once, and not before that is answered', async () => {
  expect(await gapOf({ 8: ask, 12: answer, 14: ask, 203: answer })).toBeGreaterThan(212);
});

test('a long answer may pause, and its end is waited for longer', async () => {
  const part = (session: FakeSession): void => session.answer(4_127);
  const gap = await gapOf({ 20: ask, 30: part, 80: part, 130: part });
  expect(gap).toBeGreaterThanOrEqual(230);
  expect(gap).toBeLessThanOrEqual(240);
});

test('not while the client has yet to take the answer', async () => {
  const unsent = (bytes: number) => (session: FakeSession) => {
    session.client.writableLength = bytes;
  };
  const gap = await gapOf({ 20: ask, 30: answer, 31: unsent(65), 400: unsent(0) });
  expect(gap).toBeGreaterThanOrEqual(400);
  expect(gap).toBeLessThanOrEqual(410);
});

test('not while something of the client waits to be read', async () => {
  const unread = (is: boolean) => (session: FakeSession) => {
    session.unread = is;
  };
  expect(await gapOf({ 20: ask, 30: answer, 31: unread(true) })).toBeUndefined();
});

test('never when nothing is answered, or it is closed meanwhile', async () => {
  expect(await gapOf({})).toBeUndefined();
  expect(await gapOf({ 10: ask })).toBeUndefined();
  const close = (session: FakeSession): void => void session.close('evicted');
  expect(await gapOf({ 10: ask, 20: answer, 24: close })).toBeUndefined();
});
