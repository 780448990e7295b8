import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveSettings } from '../../../src/config/live-settings.ts';
import { PassiveHealthChecks } from '../../../src/health/passive.ts';
import type { Member } from '../../../src/members/member.ts';
import { FakeSessions } from '../proxy/fake-session.ts';
import { memberAt } from '../proxy/members.ts';

const [m0, m1] = [memberAt(1, 'm0'), memberAt(2, 'm1')];
let sessions: FakeSessions;
let silence: PassiveHealthChecks;
let there: Member[];
let now: number;

beforeEach(() => {
  vi.useFakeTimers();
  sessions = new FakeSessions();
  now = 0;
  there = [m0, m1];
  silence = new PassiveHealthChecks(() => there, new LiveSettings({ suspectAfter: 300 }));
  sessions.onEnd((session) => silence.forget(session));
});

afterEach(() => void vi.useRealTimers());

/** Sweeps every 50 ms for `duration` ms, each time after `each`; returns who was named. */
function pass(duration: number, each: () => void = () => {}): string[] {
  const named: string[] = [];
  for (const end = now + duration; now < end; ) {
    now += 50;
    each();
    silence.observe(sessions.sample(now), now, false);
    named.push(...silence.suspects(now).map(({ name }) => name));
  }
  return named;
}

test('a member that owes an answer while another speaks is named, once', () => {
  const [hung, well] = [sessions.start(m0), sessions.start(m1)];
  hung.ask();
  expect(pass(300, () => well.answer())).toEqual([]);
  expect(pass(2000, () => well.answer())).toEqual(['m0']);
});

test('it is named again for a new question', () => {
  const [hung, well] = [sessions.start(m0), sessions.start(m1)];
  hung.ask();
  pass(1000, () => well.answer());
  hung.ask();
  expect(pass(500, () => well.answer())).toEqual(['m0']);
});

test('one that answers any session is not unresponsive', () => {
  const [waiting, served] = [sessions.start(m0), sessions.start(m0)];
  const other = sessions.start(m1);
  waiting.ask();
  const named = pass(2000, () => {
    served.answer();
    other.answer();
  });
  expect(named).toEqual([]);
});

test('when all are unresponsive all are named, and probes decide', () => {
  sessions.start(m0).ask();
  sessions.start(m1).ask();
  expect(pass(2000)).toEqual(['m0', 'm1']);
});

test('nobody is named who was asked nothing', () => {
  sessions.start(m0);
  const well = sessions.start(m1);
  expect(pass(2000, () => well.answer())).toEqual([]);
});

test('whose client has left waits no longer', () => {
  const [hung, well] = [sessions.start(m0), sessions.start(m1)];
  hung.ask();
  pass(100, () => well.answer());
  hung.close('operator');
  expect(pass(2000, () => well.answer())).toEqual([]);
});

test('an answer counts whoever has taken the sample that found it', () => {
  const [waiting, served] = [sessions.start(m0), sessions.start(m0)];
  waiting.ask();
  const named = pass(2000, () => {
    served.answer();
    served.sample(now - 20); // as the drainer does
  });
  expect(named).toEqual([]);
});

test('a time when this process did not run does not make the members unresponsive', () => {
  const [asked, well] = [sessions.start(m0), sessions.start(m1)];
  asked.ask();
  pass(50, () => well.answer());
  now += 3000;
  silence.observe(sessions.sample(now), now, true);
  expect(silence.suspects(now)).toEqual([]);
  expect(pass(250, () => well.answer())).toEqual([]);
  expect(silence.isUnresponsive(m0, now, 250)).toBe(true);
});

test('a member that joins is listened to, one that has left no more', () => {
  const m2 = memberAt(3, 'm2');
  there = [m1, m2];
  sessions.start(m2).ask();
  sessions.start(m0).ask();
  expect(pass(2000)).toEqual(['m2']);
});

test('sessions are looked at whoever their member is, one that has left included', () => {
  const session = sessions.start(m0);
  there = [m1];
  session.ask();
  pass(200);
  expect(session.activity).toMatchObject({ changedAt: 50, askedAt: 50, waitingSince: 50 });
  session.answer();
  pass(50);
  expect(session.activity).toMatchObject({ changedAt: 250, waitingSince: undefined });
});
