/** What is in flight when nothing more is read from clients. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { allAnswered } from '../../../../src/proxy/sessions/in-flight.ts';
import { type FakeSession, FakeSessions } from '../fake-session.ts';
import { memberAt } from '../members.ts';

const m0 = memberAt(1);
let sessions: FakeSessions;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  });
  sessions = new FakeSessions();
});
afterEach(() => void vi.useRealTimers());

/** How it came out, and after how long, ms. */
async function outcome(of: FakeSession[], bound = 100): Promise<[boolean, number]> {
  const begun = performance.now();
  let end = Number.NaN;
  const result = allAnswered(of, bound).then((done) => {
    end = performance.now() - begun;
    return done;
  });
  await vi.advanceTimersByTimeAsync(bound + 10);
  return [await result, end];
}

/** A session whose calls are followed, of which so many are open. */
function followed(inFlight: () => number): FakeSession {
  const session = sessions.start(m0, true);
  Object.defineProperties(session.calls, {
    state: { get: () => 'followed' },
    inFlight: { get: inFlight },
  });
  return session;
}

test('without a call that is open nothing is waited for', async () => {
  expect(await outcome([followed(() => 0)])).toEqual([true, 0]);
  expect(await outcome([])).toEqual([true, 0]);
});

test('calls that are followed are waited for until the last is answered', async () => {
  const from = performance.now();
  const slow = followed(() => (performance.now() - from < 40 ? 1 : 0));
  expect(await outcome([followed(() => 0), slow])).toEqual([true, 40]);
});

test('a call that takes too long is told of, and not waited for', async () => {
  expect(await outcome([followed(() => 1)])).toEqual([false, 100]);
});

test('opaque sessions are waited for until members have been silent for 25 ms', async () => {
  const session = sessions.start(m0);
  setTimeout(() => session.answer(), 10);
  const [isDone, after] = await outcome([session]);
  expect(isDone).toBe(true);
  expect(after).toBeGreaterThanOrEqual(35);
  expect(after).toBeLessThanOrEqual(40);
});

test('members that never fall silent are waited for no longer than the bound', async () => {
  const session = sessions.start(m0);
  const talk = setInterval(() => session.answer(), 10);
  expect(await outcome([session])).toEqual([false, 100]);
  clearInterval(talk);
});
