/** What is looked at a few times a second: real rooms over sockets that are none, on a clock of our own. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Housekeeping } from '../../../../src/app/housekeeping/housekeeping.ts';
import { SlowStart } from '../../../../src/balancing/slow-start.ts';
import { LiveSettings } from '../../../../src/config/live-settings.ts';
import { loadSettings } from '../../../../src/config/load.ts';
import { Monitor } from '../../../../src/health/monitor.ts';
import { PassiveHealthChecks } from '../../../../src/health/passive.ts';
import { EventLoopStalls } from '../../../../src/lib/time/event-loop-stall.ts';
import type { Member } from '../../../../src/members/member.ts';
import type { Event } from '../../../../src/observe/events/event.ts';
import { Metrics } from '../../../../src/observe/metrics/metrics.ts';
import { Drainer } from '../../../../src/proxy/sessions/drainer.ts';
import { lookup } from '../../../support/lookup.ts';
import { aMember } from '../../../support/members.ts';
import { FakeSessions, stateOf } from '../../proxy/fake-session.ts';

let members: Member[];
let sessions: FakeSessions;
let drainer: Drainer;
let slowStart: SlowStart;
let stalls: EventLoopStalls;
let housekeeping: Housekeeping;
let metrics: Metrics;
let events: Event[];
let silentBefore: number[];
let checkedAll: number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] });
  members = [aMember('m0'), aMember('m1')];
  const { settings: loaded } = loadSettings({
    flags: { endpoints: 'm0=http://a,m1=http://b' },
    env: {},
  });
  const settings = new LiveSettings({ ...loaded, slowStart: 10_000 });
  const there = (): readonly Member[] => members;
  sessions = new FakeSessions();
  drainer = new Drainer(sessions);
  stalls = new EventLoopStalls();
  slowStart = new SlowStart(there, settings);
  const passive = new PassiveHealthChecks(there, settings);
  sessions.onEnd((session) => passive.forget(session));
  const monitor = new Monitor({
    ...{ members, settings, lookup, tls: () => ({}) },
    ...{ isSelf: () => false, hasStalled: () => false, isUnresponsive: () => false },
  });
  checkedAll = 0;
  vi.spyOn(monitor, 'checkAllNow').mockImplementation(() => {
    checkedAll += 1;
  });
  for (const member of members) monitor.table.observe(member, { kind: 'check-passed' }, 0);
  events = [];
  silentBefore = [];
  metrics = new Metrics();
  housekeeping = new Housekeeping({
    ...{ settings, members: there, monitor, stalls, passive, slowStart },
    dataPath: {
      ...{ sessions, drainer, waiting: 0 },
      closeSilent: (before) => void silentBefore.push(before),
    },
    metrics,
    record: (event) => void events.push(event),
  });
});
afterEach(() => {
  drainer.stop();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** One tick after `ms`, which came `late` ms later than it was due. Returns how long until the next. */
function tickAfter(ms: number, late = 0): number {
  vi.advanceTimersByTime(ms);
  return housekeeping.tick({ now: performance.now(), late });
}

describe('the pace', () => {
  test('is quick while sessions speak, and in step every 250 ms once all are quiet', () => {
    const session = sessions.start(members[0] as Member);
    session.ask();
    expect(tickAfter(50)).toBe(50);
    expect(tickAfter(900)).toBe(50);
    const wait = tickAfter(200);
    expect(wait).toBeGreaterThan(0);
    expect((performance.now() + wait) % 250).toBeCloseTo(0);
  });
});

test('how late each tick came is a metric', async () => {
  tickAfter(50, 30);
  tickAfter(50, 0.5);
  const { text } = await metrics.render();
  expect(text).toContain('etcd_lb_event_loop_lag_seconds_bucket{le="0.02"} 1\n');
  expect(text).toContain('etcd_lb_event_loop_lag_seconds_bucket{le="0.05"} 2\n');
});

describe('a member that answers nobody', () => {
  test('has all checked at once, for a second', () => {
    const session = sessions.start(members[0] as Member);
    session.ask();
    tickAfter(50);
    expect(checkedAll).toBe(0);
    tickAfter(300);
    expect(checkedAll).toBe(1);
    tickAfter(500);
    expect(checkedAll).toBe(2);
    tickAfter(1_000);
    expect(checkedAll).toBe(2);
  });

  test('is not blamed for a time in which this process did not run', () => {
    const session = sessions.start(members[0] as Member);
    const before = performance.now();
    session.ask();
    tickAfter(50);
    tickAfter(300, 200);
    expect(stalls.since(before)).toBe(true);
    expect(checkedAll).toBe(0);
  });
});

describe('what is in no hurry', () => {
  test('members start slowly, and clients that never speak are looked for', () => {
    const [m0] = members as [Member];
    slowStart.begin(m0, performance.now());
    expect(m0.weight).toBe(0.1);
    tickAfter(5_000);
    expect(m0.weight).toBe(0.5);
    expect(silentBefore).toEqual([performance.now() - 60_000]);
    tickAfter(100);
    expect(silentBefore).toHaveLength(1);
    tickAfter(100);
    expect(silentBefore).toHaveLength(2);
  });

  test('sessions are moved at once where an operator asks for balance, and that is told once', async () => {
    const [m0, m1] = members as [Member, Member];
    sessions.onEnd(() => sessions.start(m1)); // as clients come back
    const all = Array.from({ length: 6 }, () => sessions.start(m0));
    for (const session of all) {
      session.ask();
      session.answer();
    }
    tickAfter(2_000);
    expect(housekeeping.balance(performance.now())).toEqual(new Map([[m0, 3]]));
    for (let ticks = 0; ticks < 50; ticks += 1) {
      tickAfter(200);
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(all.filter((session) => stateOf(session) === 'closed rebalanced')).toHaveLength(3);
    expect(events).toMatchObject([{ kind: 'sessions-moved', sessions: 3 }]);
  });
});
