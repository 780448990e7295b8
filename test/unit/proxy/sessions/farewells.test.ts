/** How clients are asked to leave, and when their sessions end, on a clock of our own. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Member } from '../../../../src/members/member.ts';
import { newCallFigures } from '../../../../src/proxy/http2/call-figures.ts';
import { Calls } from '../../../../src/proxy/http2/calls.ts';
import { frameTypes } from '../../../../src/proxy/http2/frames.ts';
import { look } from '../../../../src/proxy/sessions/activity.ts';
import { Farewells } from '../../../../src/proxy/sessions/farewells.ts';
import { frame } from '../../../support/http2-frames.ts';
import {
  acknowledged,
  answer,
  type FakeSession,
  FakeSessions,
  follow,
  question,
  say,
} from '../fake-session.ts';
import { memberAt } from '../members.ts';

const { ping } = frameTypes;

let m0: Member;
let sessions: FakeSessions;
let farewells: Farewells;

beforeEach(() => {
  m0 = memberAt(1, 'm0');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  sessions = new FakeSessions();
  farewells = new Farewells(sessions);
});
afterEach(() => {
  farewells.stop();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A session whose calls are followed. */
const followed = (): FakeSession => follow(sessions.open(m0, performance.now()));

test('a session ends once its client has understood and has no call in flight', async () => {
  const session = followed();
  say(session, 'client', question);
  expect(farewells.begin(session, 'removed')).toBe(true);
  expect(farewells.has(session)).toBe(true);
  await pass(20);
  expect(session.bidFor).toBe('removed');
  say(session, 'client', acknowledged);
  await pass(3_000);
  expect(session.finishedFor).toBeUndefined();
  say(session, 'member', answer);
  await pass(20);
  expect(session.finishedFor).toBe('removed');
});

test('what a client has sent and we have not read yet keeps its session', async () => {
  const session = followed();
  farewells.begin(session, 'removed');
  await pass(20);
  say(session, 'client', acknowledged);
  session.unread = true;
  await pass(100);
  expect(session.finishedFor).toBeUndefined();
  session.unread = false;
  await pass(20);
  expect(session.finishedFor).toBe('removed');
});

test('a client that has not understood keeps its session, for five seconds', async () => {
  const session = followed();
  farewells.begin(session, 'rebalanced');
  await pass(4_900);
  expect(session.finishedFor).toBeUndefined();
  await pass(200);
  expect(session.finishedFor).toBe('rebalanced');
});

test('where there is no hurry a call may take as long as it takes', async () => {
  const session = followed();
  say(session, 'client', question);
  farewells.begin(session, 'rebalanced');
  await pass(20);
  say(session, 'client', acknowledged);
  await pass(3_600_000);
  expect([session.closedFor, session.finishedFor]).toEqual([undefined, undefined]);
  say(session, 'member', answer);
  await pass(20);
  expect(session.finishedFor).toBe('rebalanced');
});

test('a client that does not end its side of the connection is closed after a second', async () => {
  const session = followed();
  farewells.begin(session, 'removed');
  await pass(20);
  say(session, 'client', acknowledged);
  await pass(20);
  expect(session.finishedFor).toBe('removed');
  await pass(980);
  expect(session.closedFor).toBeUndefined();
  await pass(40);
  expect(session.closedFor).toBe('removed');
});

test('opaque sessions, and those that are not followed yet or any more, are for others', () => {
  const opaque = sessions.open(m0);
  const young = sessions.open(m0);
  young.calls = new Calls(m0, newCallFigures());
  const lost = followed();
  say(lost, 'member', frame(ping, 0, 1, 8));
  for (const session of [opaque, young, lost]) {
    expect(farewells.begin(session, 'removed')).toBe(false);
    expect(farewells.has(session)).toBe(false);
  }
  expect(vi.getTimerCount()).toBe(0);
});

test('one whose bytes make no sense any more goes when it is quiet', async () => {
  const session = followed();
  farewells.begin(session, 'removed');
  say(session, 'member', frame(ping, 0, 1, 8));
  await pass(20);
  session.ask();
  look(session.activity, session.bytes, performance.now());
  await pass(2_000);
  expect(session.finishedFor).toBeUndefined();
  session.answer();
  look(session.activity, session.bytes, performance.now());
  await pass(80);
  expect(session.finishedFor).toBe('removed');
});

test('a thousand are asked over half a second, not all at once', async () => {
  const all = Array.from({ length: 2_000 }, followed);
  for (const session of all) farewells.begin(session, 'shutdown');
  const asked = (): number => all.filter(({ bidFor }) => bidFor !== undefined).length;
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
  farewells.begin(session, 'removed');
  session.close('evicted');
  await pass(50);
  expect(farewells.has(session)).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});
