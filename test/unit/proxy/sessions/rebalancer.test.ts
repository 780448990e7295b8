import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import type { Member } from '../../../../src/members/member.ts';
import { look } from '../../../../src/proxy/sessions/activity.ts';
import { Farewells } from '../../../../src/proxy/sessions/farewells.ts';
import { Rebalancer, type RebalancerOptions } from '../../../../src/proxy/sessions/rebalancer.ts';
import { type FakeSession, FakeSessions } from '../fake-session.ts';
import { memberAt } from '../members.ts';

const options: RebalancerOptions = { spread: 2, perMinute: 1, minAge: 5000, maxAge: 0 };
let m0: Member;
let m1: Member;
let sessions: FakeSessions;

beforeEach(() => {
  [m0, m1] = [memberAt(1, 'm0'), memberAt(2, 'm1')];
  sessions = new FakeSessions();
});

/** A rebalancer; its `beat` waits until it is done and returns how many were moved. */
function rebalancer(given: Partial<RebalancerOptions> = {}) {
  let moved = 0;
  const subject = new Rebalancer(
    sessions,
    new Farewells(sessions),
    { ...options, ...given },
    () => {
      moved += 1;
    },
    () => 1,
  );
  return {
    beat: async (members: ReturnType<typeof shares>, now: number): Promise<number> => {
      const before = moved;
      subject.beat(members, now);
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
    const session = sessions.open(m0);
    session.ask();
    session.answer();
    look(session.activity, session.bytes, 50);
    return session;
  });
}

test('quiet sessions are moved until the members are close, their clients coming back', async () => {
  open(12);
  const subject = rebalancer();
  for (let now = 10_000; now < 20_000; now += 50) {
    if ((await subject.beat(shares(), now)) > 0) sessions.open(m1, now);
  }
  expect([m0.load, m1.load]).toEqual([7, 5]);
});

test('clients that are back are not waited for any longer', async () => {
  open(200);
  const subject = rebalancer();
  for (let now = 10_000; now < 14_000; now += 50) {
    const count = await subject.beat(shares(), now);
    for (let client = 0; client < count; client += 1) sessions.open(m1, now);
  }
  expect(m0.load - m1.load).toBeLessThan(60);
});

test('clients that do not come back are waited for, and not replaced by others', async () => {
  open(12);
  const subject = rebalancer();
  for (let now = 10_000; now < 14_000; now += 50) await subject.beat(shares(), now);
  expect(m0.load).toBe(7);
});

test('a session with a call in flight stays, however old', async () => {
  const all = open(12);
  for (const { ask, activity, bytes } of all) {
    ask();
    look(activity, bytes, 9900);
  }
  expect(await rebalancer().beat(shares(), 10_000)).toBe(0);
});

test('one whose call takes seconds stays, however silent it is', async () => {
  const all = open(12);
  for (const { ask, activity, bytes } of all) {
    ask();
    look(activity, bytes, 5_000);
  }
  const subject = rebalancer();
  expect(await subject.beat(shares(), 10_000)).toBe(0);
  expect(await subject.beat(shares(), 14_999)).toBe(0);
  expect(await subject.beat(shares(), 15_000)).toBe(1);
});

test('a session whose client has just asked, unread by now, stays', async () => {
  const all = open(12);
  for (const session of all) session.unread = true;
  expect(await rebalancer().beat(shares(), 10_000)).toBe(0);
});

test('from the greatest age on it goes all the same', async () => {
  const all = open(12);
  for (const { ask, activity, bytes } of all) {
    ask();
    look(activity, bytes, 9900);
  }
  expect(await rebalancer({ maxAge: 10_001 }).beat(shares(), 10_000)).toBe(0);
  expect(await rebalancer({ maxAge: 10_000 }).beat(shares(), 10_000)).toBe(1);
});

test('a session that has only just come stays', async () => {
  open(12);
  expect(await rebalancer().beat(shares(), 4999)).toBe(0);
  expect(await rebalancer().beat(shares(), 5000)).toBe(1);
});

test('the one whose client has asked nothing for longest goes first', async () => {
  const all = open(12);
  for (const [index, { activity }] of all.entries()) activity.askedAt = 100 - index;
  await rebalancer().beat(shares(), 10_000);
  expect(all.findIndex(({ closing }) => closing)).toBe(11);
  expect(all[11]?.closedFor).toBe('rebalanced');
});

test('nothing is moved while a member is not healthy, or when it is turned off', async () => {
  open(12);
  expect(await rebalancer().beat(shares(false), 10_000)).toBe(0);
  expect(await rebalancer({ spread: 0 }).beat(shares(), 10_000)).toBe(0);
});

test('no more than a share of the sessions is moved in a minute', async () => {
  open(100);
  const subject = rebalancer({ perMinute: 0.1 });
  const playFor = async (from: number, to: number): Promise<void> => {
    for (let now = from; now < to; now += 50) {
      if ((await subject.beat(shares(), now)) > 0) sessions.open(m1, now);
    }
  };
  await playFor(10_000, 69_000);
  expect(m0.load).toBe(90);
  await playFor(69_000, 80_000);
  expect(m0.load).toBe(81);
});

test('a question that arrives in the last moment keeps its session', async () => {
  const all = open(12);
  const beat = rebalancer().beat(shares(), 10_000);
  for (const { ask } of all) ask();
  expect(await beat).toBe(0);
  expect(m0.load).toBe(12);
});
