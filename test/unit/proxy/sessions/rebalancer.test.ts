import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Member } from '../../../../src/members/member.ts';
import type { Activity } from '../../../../src/proxy/sessions/activity.ts';
import { Drainer } from '../../../../src/proxy/sessions/drainer.ts';
import { Rebalancer, type RebalancerRules } from '../../../../src/proxy/sessions/rebalancer.ts';
import {
  acknowledged,
  type FakeSession,
  FakeSessions,
  follow,
  question,
  say,
  stateOf,
} from '../fake-session.ts';
import { memberAt } from '../members.ts';

const rules: RebalancerRules = { spread: 2, perMinute: 1, minAge: 5000, maxAge: 0 };
let m0: Member;
let m1: Member;
let sessions: FakeSessions;
let drainer: Drainer;

beforeEach(() => {
  [m0, m1] = [memberAt(1, 'm0'), memberAt(2, 'm1')];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  sessions = new FakeSessions();
  drainer = new Drainer(sessions);
});
afterEach(() => {
  drainer.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Sessions whose idle gaps are waited for. */
const waiting = (): number => drainer.count((_, { state }) => state.kind === 'open');

/** A rebalancer; its `tick`, at a time, waits until it is done and returns how many were moved. */
function rebalancer(given: Partial<RebalancerRules> = {}) {
  let moved = 0;
  const subject = new Rebalancer(
    sessions,
    drainer,
    () => ({ ...rules, ...given }),
    () => {
      moved += 1;
    },
    () => 1,
  );
  return {
    tick: async (members: ReturnType<typeof shares>, now: number): Promise<number> => {
      const before = moved;
      const wait = now - performance.now();
      if (wait > 0) await vi.advanceTimersByTimeAsync(wait);
      subject.tick(members, now);
      await setImmediate();
      return moved - before;
    },
  };
}

function shares(healthy = true) {
  return [
    { member: m0, healthy, weight: m0.weight },
    { member: m1, healthy: true, weight: m1.weight },
  ];
}

/** Sessions on m0, opened at 0, all answered at 50. */
function open(count: number): FakeSession[] {
  return Array.from({ length: count }, () => {
    const session = sessions.start(m0);
    session.ask();
    session.answer();
    session.sample(50);
    return session;
  });
}

test('quiet sessions are moved until the members are close, their clients coming back', async () => {
  open(12);
  const subject = rebalancer();
  for (let now = 10_000; now < 20_000; now += 50) {
    if ((await subject.tick(shares(), now)) > 0) sessions.start(m1);
  }
  expect([m0.load, m1.load]).toEqual([7, 5]);
});

test('clients that are back are not waited for any longer', async () => {
  open(200);
  const subject = rebalancer();
  for (let now = 10_000; now < 14_000; now += 50) {
    const count = await subject.tick(shares(), now);
    for (let client = 0; client < count; client += 1) sessions.start(m1);
  }
  expect(m0.load - m1.load).toBeLessThan(60);
});

test('clients that do not come back are waited for, and not replaced by others', async () => {
  open(12);
  const subject = rebalancer();
  for (let now = 10_000; now < 14_000; now += 50) await subject.tick(shares(), now);
  expect(m0.load).toBe(7);
});

test('a session with a call in flight stays, however old', async () => {
  const all = open(12);
  for (const session of all) {
    session.ask();
    session.sample(9900);
  }
  expect(await rebalancer().tick(shares(), 10_000)).toBe(0);
});

test('one whose call takes seconds stays, however silent it is', async () => {
  const all = open(12);
  for (const session of all) {
    session.ask();
    session.sample(5_000);
  }
  const subject = rebalancer();
  expect(await subject.tick(shares(), 10_000)).toBe(0);
  expect(await subject.tick(shares(), 14_999)).toBe(0);
  expect(await subject.tick(shares(), 15_000)).toBe(1);
});

test('a session whose client has just asked, unread by now, stays', async () => {
  const all = open(12);
  for (const session of all) session.unread = true;
  expect(await rebalancer().tick(shares(), 10_000)).toBe(0);
});

test('from the greatest age on it goes all the same', async () => {
  const all = open(12);
  for (const session of all) {
    session.ask();
    session.sample(9900);
  }
  expect(await rebalancer({ maxAge: 10_001 }).tick(shares(), 10_000)).toBe(0);
  expect(await rebalancer({ maxAge: 10_000 }).tick(shares(), 10_000)).toBe(1);
});

test('a session that has only just come stays', async () => {
  open(12);
  expect(await rebalancer().tick(shares(), 4999)).toBe(0);
  expect(await rebalancer().tick(shares(), 5000)).toBe(1);
});

test('the one whose client has asked nothing for longest goes first', async () => {
  const all = open(12);
  for (const [index, { activity }] of all.entries()) {
    (activity as Activity).askedAt = 100 - index;
  }
  await rebalancer().tick(shares(), 10_000);
  expect(all.map(stateOf)).toEqual([...Array(11).fill('open'), 'closed rebalanced']);
});

test('nothing is moved while a member is not healthy, or when it is turned off', async () => {
  open(12);
  expect(await rebalancer().tick(shares(false), 10_000)).toBe(0);
  expect(await rebalancer({ spread: 0 }).tick(shares(), 10_000)).toBe(0);
});

test('no more than a share of the sessions is moved in a minute', async () => {
  open(100);
  const subject = rebalancer({ perMinute: 0.1 });
  const playFor = async (from: number, to: number): Promise<void> => {
    for (let now = from; now < to; now += 50) {
      if ((await subject.tick(shares(), now)) > 0) sessions.start(m1);
    }
  };
  await playFor(10_000, 69_000);
  expect(m0.load).toBe(90);
  await playFor(69_000, 80_000);
  expect(m0.load).toBe(81);
});

test('a question that arrives in the last moment keeps its session', async () => {
  const all = open(12);
  await vi.advanceTimersByTimeAsync(10_000);
  const tick = rebalancer().tick(shares(), 10_000);
  for (const { ask } of all) ask();
  expect(await tick).toBe(0);
  expect(m0.load).toBe(12);
});

test('where calls are followed a session is moved once its client was asked, and its call may go on', async () => {
  const all = Array.from({ length: 12 }, () => follow(sessions.start(m0, true)));
  for (const session of all) say(session, 'client', question, acknowledged);
  expect(await rebalancer().tick(shares(), 10_000)).toBe(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(all.filter((each) => stateOf(each) === 'asked rebalanced')).toHaveLength(1);
  expect(m0.load).toBe(11);
});

test('a busy session is moved in its next idle gap, and counts as on its way until then', async () => {
  for (const session of open(12)) {
    session.ask();
    session.answer();
    session.sample(9_800);
  }
  const subject = rebalancer();
  expect(await subject.tick(shares(), 10_000)).toBe(0);
  expect(waiting()).toBe(1);
  const [first] = sessions.all() as FakeSession[];
  first?.ask();
  first?.answer();
  await vi.advanceTimersByTimeAsync(30);
  expect([first && stateOf(first), waiting()]).toEqual(['closed rebalanced', 0]);
});

test('one that has no idle gap within a second stays', async () => {
  const all = open(12);
  for (const session of all) {
    session.ask();
    session.answer();
    session.sample(9_900);
  }
  const subject = rebalancer();
  expect(await subject.tick(shares(), 10_000)).toBe(0);
  for (const session of all) session.ask();
  await vi.advanceTimersByTimeAsync(5_000);
  expect([all.every(({ state }) => state.kind === 'open'), waiting()]).toEqual([true, 0]);
});
