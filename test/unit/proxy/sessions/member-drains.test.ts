/** How the sessions of members leave that are removed, drained or failed, on a clock of our own. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Member } from '../../../../src/members/member.ts';
import { Drainer } from '../../../../src/proxy/sessions/drainer.ts';
import { MemberDrains } from '../../../../src/proxy/sessions/member-drains.ts';
import {
  acknowledged,
  type FakeSession,
  FakeSessions,
  follow,
  isEnding,
  question,
  say,
  stateOf,
} from '../fake-session.ts';
import { memberAt } from '../members.ts';

let m0: Member;
let m1: Member;
let sessions: FakeSessions;
let gone: number[];
let drainer: Drainer;
let drains: MemberDrains;

beforeEach(() => {
  [m0, m1] = [memberAt(1, 'm0'), memberAt(2, 'm1')];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  sessions = new FakeSessions();
  gone = [];
  drainer = new Drainer(sessions, () => 0.5);
  drains = new MemberDrains(sessions, drainer).on('drained', (_, { cut }) => gone.push(cut));
});
afterEach(() => {
  drains.stop();
  drainer.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A session whose client was answered and has been silent since. */
function calm(): FakeSession {
  const session = sessions.start(m0);
  session.ask();
  session.answer();
  session.sample(performance.now());
  return session;
}

test('those that are silent leave a few at a time, and then it is over', async () => {
  const all = Array.from({ length: 300 }, calm);
  await pass(2_000);
  drains.drain(m0, 10_000, 'removed');
  expect(drains.leaving).toEqual([m0]);
  await pass(150);
  const left = all.filter(isEnding).length;
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(100);
  await pass(4_000);
  expect(all.every((each) => stateOf(each) === 'closed removed')).toBe(true);
  expect(gone).toEqual([0]);
  expect(drains.leaving).toEqual([]);
});

test('one that asks again and again leaves right after an answer', async () => {
  const session = sessions.start(m0);
  const sweep = () => session.sample(performance.now());
  drains.drain(m0, 10_000, 'removed');
  for (let call = 0; call < 3; call += 1) {
    session.ask();
    sweep();
    await pass(200);
    expect(isEnding(session)).toBe(false);
    session.answer(); // and the next question at once, but for the last time
    sweep();
  }
  await pass(50);
  expect(stateOf(session)).toBe('closed removed');
  await pass(200);
  expect(gone).toEqual([0]);
});

test('a question that has arrived unread keeps its session', async () => {
  const session = calm();
  await pass(2_000);
  session.unread = true;
  drains.drain(m0, 10_000, 'removed');
  await pass(500);
  expect(isEnding(session)).toBe(false);
});

test('who is never quiet is cut when the time is over', async () => {
  const session = sessions.start(m0);
  session.ask();
  drains.drain(m0, 2_000, 'removed');
  await pass(3_000);
  expect(stateOf(session)).toBe('closed removed');
  expect(gone).toEqual([1]);
});

test('with no time to leave all are closed at once', () => {
  const all = Array.from({ length: 20 }, calm);
  drains.drain(m0, 0, 'removed');
  expect(all.every(isEnding)).toBe(true);
  expect(gone).toEqual([0]);
});

test('a dial that was under way is waited for, and its session leaves too', async () => {
  m0.load += 1;
  drains.drain(m0, 0, 'removed');
  await pass(500);
  expect(gone).toEqual([]);
  const session = sessions.start(m0);
  m0.load -= 1; // the dial's, which the session has taken over
  await pass(200);
  expect(stateOf(session)).toBe('closed removed');
  expect(gone).toEqual([0]);
});

test('a member without sessions is gone at once', () => {
  drains.drain(m0, 10_000, 'removed');
  expect(gone).toEqual([0]);
});

test('a member that is drained keeps its sessions from the moment that this is taken back', async () => {
  const all = Array.from({ length: 100 }, calm);
  await pass(2_000);
  drains.drain(m0, 60_000, 'drained');
  expect(drains.leaving).toEqual([]); // it is a member still
  await pass(150);
  drains.cancel(m0);
  const left = all.filter(isEnding);
  expect(left.length).toBeGreaterThan(0);
  expect(new Set(left.map(stateOf))).toEqual(new Set(['closed drained']));
  await pass(5_000);
  expect(all.filter(isEnding)).toEqual(left);
  expect(drains.deadlineOf(m0)).toBeUndefined();
  expect(gone).toEqual([]);
});

test('a second request changes by when they must have left, and why', async () => {
  const busy = sessions.start(m0);
  drains.drain(m0, 60_000, 'drained');
  await pass(100);
  drains.drain(m0, 1_000, 'removed');
  expect(drains.leaving).toEqual([m0]);
  for (let time = 0; time < 1_200; time += 50) {
    busy.ask(); // never answered
    busy.sample(performance.now());
    await pass(50);
  }
  expect(stateOf(busy)).toBe('closed removed');
  expect(gone).toEqual([1]);
});

test('sessions that are busy are not cut because their member is one no more', async () => {
  const all = Array.from({ length: 100 }, calm);
  // Two calls a second each, of which an answer takes 20 ms.
  for (const [index, session] of all.entries()) {
    const call = (): void => {
      if (isEnding(session)) return;
      session.ask();
      setTimeout(() => session.answer(), 20);
      setTimeout(call, 500);
    };
    setTimeout(call, index * 5);
  }
  const sweep = (): void => {
    sessions.sample(performance.now());
    if (gone.length === 0) setTimeout(sweep, 50);
  };
  sweep();
  await pass(2_000);
  drains.drain(m0, 10_000, 'removed');
  await pass(11_000);
  expect(gone).toEqual([0]);
  expect(all.every((each) => stateOf(each) === 'closed removed')).toBe(true);
});

test('a watch that brings events again and again leaves between two of them', async () => {
  const session = calm();
  const event = (): void => {
    if (isEnding(session)) return;
    session.answer(200);
    setTimeout(event, 70);
  };
  event();
  for (let time = 0; time < 3_000; time += 50) {
    sessions.sample(performance.now());
    await pass(50);
  }
  drains.drain(m0, 10_000, 'drained');
  await pass(1_500);
  expect(stateOf(session)).toBe('closed drained');
  expect(gone).toEqual([0]);
});

test('what is in flight when the time is over is cut and counted, followed or not', async () => {
  const opaque = Array.from({ length: 3 }, () => sessions.start(m0));
  for (const session of opaque) session.ask();
  const followed = Array.from({ length: 4 }, () => follow(sessions.start(m0, true)));
  drains.drain(m0, 1_950, 'drained');
  await pass(50);
  for (const session of followed) {
    say(session, 'client', question);
    say(session, 'client', acknowledged);
  }
  await pass(1_890);
  expect(sessions.all().length).toBe(7);
  await pass(300);
  expect(sessions.all()).toEqual([]);
  expect(gone).toEqual([7]);
});

test('one that has ended in order is not cut, though its client has not left when the time is over', async () => {
  const session = follow(sessions.start(m0, true));
  drains.drain(m0, 500, 'drained');
  await pass(30);
  say(session, 'client', acknowledged);
  await pass(200);
  expect(stateOf(session)).toBe('finishing drained');
  await pass(500);
  expect(stateOf(session)).toBe('closed drained');
  expect(gone).toEqual([0]);
});

test('one that was to be moved at leisure has no more time than the others', async () => {
  const session = follow(sessions.start(m0, true));
  say(session, 'client', question);
  drainer.request([session], {
    ...{ reason: 'rebalanced', graceful: true, timeout: Number.POSITIVE_INFINITY, cut: 0 },
    ...{ deadline: performance.now() + 1_000, atDeadline: 'stay' },
  });
  await pass(100);
  drains.drain(m0, 500, 'removed');
  await pass(700);
  expect(stateOf(session)).toBe('closed removed');
  expect(gone).toEqual([1]);
});

test('when the process stops all members let theirs go in their gaps, and nothing is cut here', async () => {
  const quiet = [calm(), calm(), sessions.start(m1)];
  const busy = sessions.start(m0);
  await pass(2_000);
  busy.ask();
  busy.sample(performance.now());
  drains.drainAll(10_000);
  await pass(300);
  expect(quiet.map(stateOf)).toEqual(Array(3).fill('closed shutdown'));
  // A client that was being connected still.
  const late = sessions.start(memberAt(3, 'm2'));
  await pass(1_500);
  expect(stateOf(late)).toBe('closed shutdown');
  expect(drains.deadlineOf(m0)).toBeUndefined();
  expect(drains.leaving).toEqual([]);
  await pass(20_000);
  expect(stateOf(busy)).toBe('closed shutdown'); // asked nothing for as long as a call may take
  expect(gone).toEqual([]);
  drains.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test('all have had their turn by half of the time, however short', async () => {
  const all = Array.from({ length: 300 }, calm);
  await pass(2_000);
  drains.drain(m0, 1_000, 'removed');
  await pass(600);
  expect(all.every(isEnding)).toBe(true);
});

describe('evictions', () => {
  function open(count: number): FakeSession[] {
    return Array.from({ length: count }, () => sessions.start(m0));
  }

  function closed(all: readonly FakeSession[]): number {
    return all.filter((each) => stateOf(each) === 'closed evicted').length;
  }

  test('a handful leaves at once', () => {
    const all = open(22);
    sessions.start(m1);
    expect([...drains.evict([m0])]).toEqual([[m0, 22]]);
    expect(closed(all)).toBe(22);
    expect(sessions.openOn(m1).size).toBe(1);
  });

  test('who shows that the member is there again stays', () => {
    const [older, newer] = open(2);
    expect([...drains.evict([m0], (session) => session === newer)]).toEqual([[m0, 1]]);
    expect([older, newer].map((each) => each && stateOf(each))).toEqual(['closed evicted', 'open']);
  });

  test('two thousand leave in lots, all within a second, and are told of once', async () => {
    const all = open(2000);
    expect(drains.evict([m0]).get(m0)).toBe(2000);
    expect(closed(all)).toBe(80);
    expect(drains.evict([m0]).size).toBe(0);
    await vi.advanceTimersByTimeAsync(250);
    expect(closed(all)).toBeLessThan(2000);
    await vi.advanceTimersByTimeAsync(750);
    expect(closed(all)).toBe(2000);
  });

  test('who waits longest for an answer leaves first', () => {
    const all = open(1000);
    for (const [index, session] of all.entries()) {
      if (index < 500) continue;
      session.ask();
      session.sample(index);
    }
    drains.evict([m0]);
    expect(closed(all.slice(500, 550))).toBe(50);
    expect(closed(all)).toBe(50);
  });

  test('a member that is well again keeps those who have not left yet', async () => {
    const all = open(2000);
    drains.evict([m0]);
    drains.evict([]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(closed(all)).toBe(80);
  });

  test('one that is given up leaves a drain of the same member under way', async () => {
    const all = open(200);
    for (const session of all) session.ask();
    drains.drain(m0, 2_000, 'drained');
    drains.evict([m0]);
    expect(closed(all)).toBe(50);
    drains.evict([]);
    await vi.advanceTimersByTimeAsync(1_900);
    expect(closed(all)).toBe(50);
    await vi.advanceTimersByTimeAsync(200);
    expect(all.filter((each) => stateOf(each) === 'closed drained')).toHaveLength(150);
    expect(gone).toEqual([150]);
  });
});
