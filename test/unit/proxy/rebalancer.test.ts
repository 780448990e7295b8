import { beforeEach, expect, test } from 'vitest';
import type { Candidate } from '../../../src/balance/snapshot.ts';
import { look } from '../../../src/proxy/activity.ts';
import { Rebalancer, type RebalancerOptions } from '../../../src/proxy/rebalancer.ts';
import { type FakeSession, FakeSessions } from './fake-session.ts';
import { candidateAt } from './members.ts';

const options: RebalancerOptions = { spread: 2, perMinute: 1, minAge: 5000, maxAge: 0 };
let m0: Candidate;
let m1: Candidate;
let sessions: FakeSessions;

beforeEach(() => {
  [m0, m1] = [candidateAt(1, 'm0'), candidateAt(2, 'm1')];
  sessions = new FakeSessions();
});

function rebalancer(given: Partial<RebalancerOptions> = {}): Rebalancer {
  return new Rebalancer(sessions, { ...options, ...given }, () => 1);
}

function shares(healthy = true) {
  return [
    { candidate: m0, healthy },
    { candidate: m1, healthy: true },
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

test('quiet sessions are moved until the members are close, their clients coming back', () => {
  open(12);
  const subject = rebalancer();
  for (let now = 10_000; now < 20_000; now += 50) {
    if (subject.beat(shares(), now) !== undefined) sessions.open(m1, now);
  }
  expect([m0.load, m1.load]).toEqual([7, 5]);
});

test('clients that are back are not waited for any longer', () => {
  open(200);
  const subject = rebalancer();
  for (let now = 10_000; now < 14_000; now += 50) {
    const { count = 0 } = subject.beat(shares(), now) ?? {};
    for (let client = 0; client < count; client += 1) sessions.open(m1, now);
  }
  expect(m0.load - m1.load).toBeLessThan(60);
});

test('clients that do not come back are waited for, and not replaced by others', () => {
  open(12);
  const subject = rebalancer();
  for (let now = 10_000; now < 14_000; now += 50) subject.beat(shares(), now);
  expect(m0.load).toBe(7);
});

test('a session with a call in flight stays, however old', () => {
  const all = open(12);
  for (const { ask, activity, bytes } of all) {
    ask();
    look(activity, bytes, 9900);
  }
  expect(rebalancer().beat(shares(), 10_000)).toBeUndefined();
});

test('from the greatest age on it goes all the same', () => {
  const all = open(12);
  for (const { ask, activity, bytes } of all) {
    ask();
    look(activity, bytes, 9900);
  }
  expect(rebalancer({ maxAge: 10_001 }).beat(shares(), 10_000)).toBeUndefined();
  expect(rebalancer({ maxAge: 10_000 }).beat(shares(), 10_000)?.count).toBe(1);
});

test('a session that has only just come stays', () => {
  open(12);
  expect(rebalancer().beat(shares(), 4999)).toBeUndefined();
  expect(rebalancer().beat(shares(), 5000)).toEqual({ candidate: m0, count: 1 });
});

test('the one that has been quiet longest goes first', () => {
  const all = open(12);
  for (const [index, { activity }] of all.entries()) activity.changedAt = 100 - index;
  rebalancer().beat(shares(), 10_000);
  expect(all.findIndex(({ closing }) => closing)).toBe(11);
  expect(all[11]?.closedFor).toBe('rebalanced');
});

test('nothing is moved while a member is not healthy, or when it is turned off', () => {
  open(12);
  expect(rebalancer().beat(shares(false), 10_000)).toBeUndefined();
  expect(rebalancer({ spread: 0 }).beat(shares(), 10_000)).toBeUndefined();
});

test('no more than a share of the sessions is moved in a minute', () => {
  open(100);
  const subject = rebalancer({ perMinute: 0.1 });
  const playFor = (from: number, to: number): void => {
    for (let now = from; now < to; now += 50) {
      if (subject.beat(shares(), now) !== undefined) sessions.open(m1, now);
    }
  };
  playFor(10_000, 69_000);
  expect(m0.load).toBe(90);
  playFor(69_000, 80_000);
  expect(m0.load).toBe(81);
});
