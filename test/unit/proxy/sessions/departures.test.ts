/** How the sessions of a member that has left are closed, on a clock of our own. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PassiveHealthChecks } from '../../../../src/health/passive.ts';
import type { Member } from '../../../../src/members/member.ts';
import { look } from '../../../../src/proxy/sessions/activity.ts';
import { Departures } from '../../../../src/proxy/sessions/departures.ts';
import { Farewells } from '../../../../src/proxy/sessions/farewells.ts';
import {
  acknowledged,
  type FakeSession,
  FakeSessions,
  follow,
  question,
  say,
} from '../fake-session.ts';
import { memberAt } from '../members.ts';

let m0: Member;
let sessions: FakeSessions;
let gone: number[];
let departures: Departures;

beforeEach(() => {
  m0 = memberAt(1, 'm0');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  sessions = new FakeSessions();
  gone = [];
  departures = new Departures(sessions, new Farewells(sessions), (_, { cut }) => gone.push(cut));
});
afterEach(() => {
  departures.stop();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A session whose client was answered and has been silent since. */
function calm(): FakeSession {
  const session = sessions.open(m0, performance.now());
  session.ask();
  session.answer();
  look(session.activity, session.bytes, performance.now());
  return session;
}

test('those that are silent leave a few at a time, and then it is over', async () => {
  const all = Array.from({ length: 300 }, calm);
  await pass(2_000);
  departures.begin(m0, 10_000, 'removed');
  expect(departures.leaving).toEqual([m0]);
  await pass(150);
  const left = all.filter(({ closing }) => closing).length;
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(100);
  await pass(4_000);
  expect(all.every(({ closedFor }) => closedFor === 'removed')).toBe(true);
  expect(gone).toEqual([0]);
  expect(departures.leaving).toEqual([]);
});

test('one that asks again and again leaves right after an answer', async () => {
  const session = sessions.open(m0, performance.now());
  const sweep = () => look(session.activity, session.bytes, performance.now());
  departures.begin(m0, 10_000, 'removed');
  for (let call = 0; call < 3; call += 1) {
    session.ask();
    sweep();
    await pass(200);
    expect(session.closing).toBe(false);
    session.answer(); // and the next question at once, but for the last time
    sweep();
  }
  await pass(50);
  expect(session.closedFor).toBe('removed');
  await pass(200);
  expect(gone).toEqual([0]);
});

test('a question that has arrived unread keeps its session', async () => {
  const session = calm();
  await pass(2_000);
  session.unread = true;
  departures.begin(m0, 10_000, 'removed');
  await pass(500);
  expect(session.closing).toBe(false);
});

test('who is never quiet is cut when the time is over', async () => {
  const session = sessions.open(m0, performance.now());
  session.ask();
  departures.begin(m0, 2_000, 'removed');
  await pass(3_000);
  expect(session.closedFor).toBe('removed');
  expect(gone).toEqual([1]);
});

test('with no time to leave all are closed at once', () => {
  const all = Array.from({ length: 20 }, calm);
  departures.begin(m0, 0, 'removed');
  expect(all.every(({ closing }) => closing)).toBe(true);
  expect(gone).toEqual([0]);
});

test('a dial that was under way is waited for, and its session leaves too', async () => {
  m0.load += 1;
  departures.begin(m0, 0, 'removed');
  await pass(500);
  expect(gone).toEqual([]);
  const session = sessions.open(m0, performance.now());
  m0.load -= 1; // the dial's, which the session has taken over
  await pass(200);
  expect(session.closedFor).toBe('removed');
  expect(gone).toEqual([0]);
});

test('a member without sessions is gone at once', () => {
  departures.begin(m0, 10_000, 'removed');
  expect(gone).toEqual([0]);
});

test('a member that is drained keeps its sessions from the moment that this is taken back', async () => {
  const all = Array.from({ length: 100 }, calm);
  await pass(2_000);
  departures.begin(m0, 60_000, 'drained');
  expect(departures.leaving).toEqual([]); // it is a member still
  await pass(150);
  departures.cancel(m0);
  const left = all.filter(({ closing }) => closing);
  expect(left.length).toBeGreaterThan(0);
  expect(new Set(left.map(({ closedFor }) => closedFor))).toEqual(new Set(['drained']));
  await pass(5_000);
  expect(all.filter(({ closing }) => closing)).toEqual(left);
  expect(departures.deadlineOf(m0)).toBeUndefined();
  expect(gone).toEqual([]);
});

test('a second order changes by when they must have left, and why', async () => {
  const busy = sessions.open(m0, performance.now());
  departures.begin(m0, 60_000, 'drained');
  await pass(100);
  departures.begin(m0, 1_000, 'removed');
  expect(departures.leaving).toEqual([m0]);
  for (let time = 0; time < 1_200; time += 50) {
    busy.ask(); // never answered
    look(busy.activity, busy.bytes, performance.now());
    await pass(50);
  }
  expect(busy.closedFor).toBe('removed');
  expect(gone).toEqual([1]);
});

test('sessions that are busy are not cut because their member is one no more', async () => {
  const all = Array.from({ length: 100 }, calm);
  const silence = new PassiveHealthChecks(sessions, [m0], () => 300, performance.now());
  // Two calls a second each, of which an answer takes 20 ms.
  for (const [index, session] of all.entries()) {
    const call = (): void => {
      if (session.closing) return;
      session.ask();
      setTimeout(() => session.answer(), 20);
      setTimeout(call, 500);
    };
    setTimeout(call, index * 5);
  }
  const sweep = (): void => {
    silence.sweep(performance.now(), false);
    setTimeout(sweep, 50);
  };
  sweep();
  await pass(2_000);
  silence.leave(m0);
  departures.begin(m0, 10_000, 'removed');
  await pass(11_000);
  expect(gone).toEqual([0]);
  expect(all.every(({ closedFor }) => closedFor === 'removed')).toBe(true);
});

test('what is in flight when the time is over is cut and counted, followed or not', async () => {
  const opaque = Array.from({ length: 3 }, () => sessions.open(m0, performance.now()));
  for (const session of opaque) session.ask();
  const followed = Array.from({ length: 4 }, () => follow(sessions.open(m0, performance.now())));
  departures.begin(m0, 1_950, 'drained');
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
  const session = follow(sessions.open(m0, performance.now()));
  departures.begin(m0, 500, 'drained');
  await pass(30);
  say(session, 'client', acknowledged);
  await pass(200);
  expect([session.finishedFor, session.closedFor]).toEqual(['drained', undefined]);
  await pass(500);
  expect(session.closedFor).toBe('drained');
  expect(gone).toEqual([0]);
});

test('one that was to be moved at leisure has no more time than the others', async () => {
  const session = follow(sessions.open(m0, performance.now()));
  const farewells = new Farewells(sessions);
  departures = new Departures(sessions, farewells, (_, { cut }) => gone.push(cut));
  say(session, 'client', question);
  farewells.begin(session, 'rebalanced');
  await pass(100);
  departures.begin(m0, 500, 'removed');
  await pass(700);
  expect(session.closedFor).toBe('removed');
  expect(gone).toEqual([1]);
});

test('when the process stops all members let theirs go in their gaps, and nothing is cut here', async () => {
  const m1 = memberAt(2, 'm1');
  const quiet = [calm(), calm(), sessions.open(m1, performance.now())];
  const busy = sessions.open(m0, performance.now());
  await pass(2_000);
  busy.ask();
  look(busy.activity, busy.bytes, performance.now());
  departures.beginAll(10_000);
  await pass(300);
  expect(quiet.map(({ closedFor }) => closedFor)).toEqual(['shutdown', 'shutdown', 'shutdown']);
  // A client that was being connected still.
  const late = sessions.open(memberAt(3, 'm2'), performance.now());
  await pass(1_500);
  expect(late.closedFor).toBe('shutdown');
  expect(departures.deadlineOf(m0)).toBeUndefined();
  expect(departures.leaving).toEqual([]);
  await pass(20_000);
  expect(busy.closedFor).toBe('shutdown'); // asked nothing for as long as a call may take
  expect(gone).toEqual([]);
  departures.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test('all have had their turn by half of the time, however short', async () => {
  const all = Array.from({ length: 300 }, calm);
  await pass(2_000);
  departures.begin(m0, 1_000, 'removed');
  await pass(600);
  expect(all.every(({ closing }) => closing)).toBe(true);
});
