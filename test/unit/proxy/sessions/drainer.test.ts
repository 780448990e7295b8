/** How clients are asked to leave, and when their sessions end, on a clock of our own. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Member } from '../../../../src/members/member.ts';
import { frameTypes } from '../../../../src/proxy/http2/frames.ts';
import { type Drain, Drainer } from '../../../../src/proxy/sessions/drainer.ts';
import type { CloseReason } from '../../../../src/proxy/sessions/session.ts';
import { frame } from '../../../support/http2-frames.ts';
import {
  acknowledged,
  answer,
  type FakeSession,
  FakeSessions,
  follow,
  question,
  say,
  stateOf,
} from '../fake-session.ts';
import { memberAt } from '../members.ts';

const { ping } = frameTypes;

let m0: Member;
let sessions: FakeSessions;
let drainer: Drainer;

beforeEach(() => {
  m0 = memberAt(1, 'm0');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  sessions = new FakeSessions();
  drainer = new Drainer(sessions, () => 0.5);
});
afterEach(() => {
  drainer.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Has sessions leave without a cut, unless told otherwise. */
function leave(reason: CloseReason, all: FakeSession[], given: Partial<Drain> = {}): void {
  const forever = Number.POSITIVE_INFINITY;
  drainer.request(all, {
    ...{ reason, graceful: true, timeout: forever, deadline: forever },
    ...{ atDeadline: 'close', cut: 0 },
    ...given,
  });
}

/** A session whose calls are followed. */
const followed = (): FakeSession => follow(sessions.start(m0, true));

test('a session ends once its client has understood and has no call in flight', async () => {
  const session = followed();
  say(session, 'client', question);
  leave('removed', [session]);
  expect(drainer.has(session)).toBe(true);
  await pass(20);
  expect(stateOf(session)).toBe('asked removed');
  say(session, 'client', acknowledged);
  await pass(3_000);
  expect(session.state.kind).not.toBe('finishing');
  say(session, 'member', answer);
  await pass(20);
  expect(stateOf(session)).toBe('finishing removed');
});

test('what a client has sent and we have not read yet keeps its session', async () => {
  const session = followed();
  leave('removed', [session]);
  await pass(20);
  say(session, 'client', acknowledged);
  session.unread = true;
  await pass(100);
  expect(session.state.kind).not.toBe('finishing');
  session.unread = false;
  await pass(20);
  expect(stateOf(session)).toBe('finishing removed');
});

test('a client that has not understood keeps its session, for five seconds', async () => {
  const session = followed();
  leave('rebalanced', [session]);
  await pass(4_900);
  expect(session.state.kind).not.toBe('finishing');
  await pass(200);
  expect(stateOf(session)).toBe('finishing rebalanced');
});

test('where there is no hurry a call may take as long as it takes', async () => {
  const session = followed();
  say(session, 'client', question);
  leave('rebalanced', [session]);
  await pass(20);
  say(session, 'client', acknowledged);
  await pass(3_600_000);
  expect(stateOf(session)).toBe('asked rebalanced');
  say(session, 'member', answer);
  await pass(20);
  expect(stateOf(session)).toBe('finishing rebalanced');
});

test('a client that does not end its side of the connection is closed after a second', async () => {
  const session = followed();
  leave('removed', [session]);
  await pass(20);
  say(session, 'client', acknowledged);
  await pass(20);
  expect(stateOf(session)).toBe('finishing removed');
  await pass(980);
  expect(stateOf(session)).toBe('finishing removed');
  await pass(40);
  expect(stateOf(session)).toBe('closed removed');
});

test('opaque sessions, and those that are not followed yet or any more, go in their idle gaps', async () => {
  const opaque = sessions.start(m0);
  const young = sessions.start(m0, true);
  const lost = followed();
  say(lost, 'member', frame(ping, 0, 1, 8));
  leave('removed', [opaque, young, lost]);
  await pass(900);
  expect([opaque, young, lost].map(stateOf)).toEqual(['open', 'open', 'open']);
  await pass(110);
  expect([opaque, young, lost].map(stateOf)).toEqual(Array(3).fill('closed removed'));
  expect(vi.getTimerCount()).toBe(0);
});

test('one whose calls are followed by the time of its turn is asked by GOAWAY', async () => {
  const session = sessions.start(m0, true);
  leave('removed', [session]);
  await pass(50);
  follow(session);
  await pass(10);
  expect(stateOf(session)).toBe('asked removed');
});

test('one whose bytes make no sense any more goes when it is quiet', async () => {
  const session = followed();
  leave('removed', [session]);
  say(session, 'member', frame(ping, 0, 1, 8));
  await pass(20);
  session.ask();
  session.sample(performance.now());
  await pass(2_000);
  expect(session.state.kind).not.toBe('finishing');
  session.answer();
  session.sample(performance.now());
  await pass(80);
  expect(stateOf(session)).toBe('finishing removed');
});

test('a thousand are asked over half a second, not all at once', async () => {
  const all = Array.from({ length: 2_000 }, followed);
  leave('shutdown', all);
  const asked = (): number => all.filter(({ state }) => state.kind === 'asked').length;
  await pass(1);
  expect(asked()).toBe(80);
  await pass(240);
  expect(asked()).toBeGreaterThan(800);
  expect(asked()).toBeLessThan(1_200);
  await pass(300);
  expect(asked()).toBe(2_000);
});

test('one that has ended meanwhile is forgotten, and not asked', async () => {
  const session = followed();
  leave('removed', [session]);
  session.close('evicted');
  await pass(50);
  expect(drainer.has(session)).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test('a client that has yet to take an answer keeps its session', async () => {
  const session = followed();
  leave('removed', [session]);
  session.client.writableLength = 1_000;
  say(session, 'client', acknowledged);
  await pass(8_000);
  expect(stateOf(session)).toBe('asked removed');
  session.client.writableLength = 0;
  await pass(20);
  expect(stateOf(session)).toBe('finishing removed');
});

test('when its drain is taken back one that was asked by GOAWAY leaves all the same, in its own time', async () => {
  const drain: Drain = {
    ...{ reason: 'drained', graceful: true, deadline: performance.now() + 500 },
    ...{ atDeadline: 'close', timeout: Number.POSITIVE_INFINITY, cut: 0 },
  };
  const [asked, opaque] = [followed(), sessions.start(m0)];
  drainer.request([asked, opaque], drain);
  say(asked, 'client', question, acknowledged);
  drainer.cancel((each) => each === drain);
  await pass(10_000);
  expect([stateOf(asked), stateOf(opaque), drain.cut]).toEqual(['asked drained', 'open', 0]);
  say(asked, 'member', answer);
  await pass(20);
  expect(stateOf(asked)).toBe('finishing drained');
});

test('at the deadline what is left is closed and counted, those whose turn has not come among them', async () => {
  const all = Array.from({ length: 40 }, () => sessions.start(m0));
  for (const session of all) session.ask();
  const drain: Drain = {
    ...{ reason: 'removed', graceful: true, deadline: performance.now() + 150, timeout: 60_000 },
    ...{ atDeadline: 'close', cut: 0 },
  };
  drainer.request(all, drain);
  await pass(145);
  expect(all.map(stateOf)).toEqual(Array(40).fill('open'));
  await pass(6);
  expect(all.map(stateOf)).toEqual(Array(40).fill('closed removed'));
  expect(drain.cut).toBe(40);
  expect(vi.getTimerCount()).toBe(0);
});
