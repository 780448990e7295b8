/** The sentences people read at night, word by word, and the bounded memory of them. */

import { describe, expect, test } from 'vitest';
import type { Health } from '../../../../src/health/state/health.ts';
import { type Event, EventLog } from '../../../../src/observe/events/event-log.ts';
import {
  memberChanged,
  modeChanged,
  sessionsEvicted,
} from '../../../../src/observe/events/health-events.ts';
import { started, stopped, stopping } from '../../../../src/observe/events/service-events.ts';
import { clientsRejected } from '../../../../src/observe/events/traffic-events.ts';
import { aMember } from '../../../support/members.ts';

const since = Date.parse('2026-11-22T20:42:06.987Z');
const [m0, m1, m2] = [aMember('m0'), aMember('m1'), aMember('m2')];

function evidence(failedChecks: number) {
  return {
    failure: { reason: 'timeout', detail: 'timed out after 700 ms' } as const,
    failedChecks,
    since,
  };
}
const healthy: Health = { state: 'healthy', since };
const unknown: Health = { state: 'unknown', since };
const suspect: Health = { state: 'suspect', since, evidence: evidence(1) };
const doubted: Health = {
  state: 'suspect',
  since,
  evidence: {
    failure: { reason: 'refused', detail: 'dial failed: connect ECONNREFUSED 10.0.0.1:2379' },
    failedChecks: 0,
    since,
  },
};
const failed: Health = { state: 'failed', since, evidence: evidence(2) };
const recovering: Health = {
  state: 'recovering',
  since,
  from: 'failed',
  passedChecks: 1,
  evidence: evidence(2),
};

describe('a change of a member', () => {
  test.each<[Health, Health, Event['level'], string]>([
    [unknown, healthy, 'info', 'm1: unknown -> healthy'],
    [
      healthy,
      suspect,
      'warn',
      'm1: healthy -> suspect: 1 check failed since 20:42:06.9 (timed out after 700 ms)',
    ],
    [
      healthy,
      doubted,
      'warn',
      'm1: healthy -> suspect: dial failed: connect ECONNREFUSED 10.0.0.1:2379',
    ],
    [
      suspect,
      failed,
      'warn',
      'm1: suspect -> failed: 2 checks failed since 20:42:06.9 (timed out after 700 ms)',
    ],
    [recovering, healthy, 'info', 'm1: recovering -> healthy: checks pass again'],
  ])('%o to %o', (from, to, level, message) => {
    expect(memberChanged({ member: m1, from, to, hold: 0 })).toMatchObject({
      kind: 'member-changed',
      level,
      message,
    });
  });

  test('has the fields to search for, times as ISO 8601', () => {
    expect(memberChanged({ member: m1, from: suspect, to: failed, hold: 0 }).fields).toEqual({
      member: 'm1',
      from: 'suspect',
      to: 'failed',
      reason: 'timeout',
      evidence: {
        detail: 'timed out after 700 ms',
        failedChecks: 2,
        since: '2026-11-22T20:42:06.987Z',
      },
    });
    expect(memberChanged({ member: m1, from: unknown, to: healthy, hold: 0 }).fields).toEqual({
      member: 'm1',
      from: 'unknown',
      to: 'healthy',
    });
  });

  test('to recovering is not a warning', () => {
    expect(memberChanged({ member: m1, from: failed, to: recovering, hold: 0 })).toMatchObject({
      level: 'info',
      message: expect.stringMatching(/^m1: failed -> recovering/),
    });
  });
});

test('a change of mode', () => {
  expect(modeChanged('normal', 'panic', [])).toEqual({
    level: 'error',
    kind: 'mode-changed',
    message:
      'no member is healthy: until one passes its checks, connections go to every member but one that answers nothing while most do',
    fields: { from: 'normal', to: 'panic' },
  });
  expect(modeChanged('starting', 'normal', [])).toMatchObject({
    level: 'info',
    message: 'a member is healthy: ready',
  });
  expect(modeChanged('panic', 'normal', [])).toMatchObject({
    level: 'info',
    message: 'a member is healthy again: only healthy members are routed to',
  });
});

test('the first member lost while others are unchecked is not told as if none had been checked', () => {
  expect(modeChanged('normal', 'starting', []).message).not.toBe('no member has been checked yet');
});

test('an eviction says from where, why, and who is left', () => {
  expect(sessionsEvicted(m1, 22, failed, [m0, m2], 'normal')).toEqual({
    level: 'warn',
    kind: 'sessions-evicted',
    message:
      'evicted 22 sessions from m1: 2 checks failed since 20:42:06.9 (timed out after 700 ms); m0, m2 healthy',
    fields: { member: 'm1', sessions: 22, reason: 'timeout', healthy: ['m0', 'm2'] },
  });
  expect(sessionsEvicted(m1, 1, failed, [m0], 'normal').message).toMatch(
    /^evicted 1 session from m1: /,
  );
  expect(sessionsEvicted(m1, 22, failed, [m0, m2], 'panic')).toMatchObject({
    message: expect.stringMatching(/; m0, m2 answer$/),
    fields: { answer: ['m0', 'm2'] },
  });
});

test('clients turned away', () => {
  expect(clientsRejected('limit', 1)).toEqual({
    level: 'warn',
    kind: 'clients-rejected',
    message: 'turned away 1 client: max-connections is reached',
    fields: { reason: 'limit', clients: 1 },
  });
  expect(clientsRejected('no-member', 1204).message).toBe(
    'turned away 1204 clients: no member could be reached',
  );
  expect(clientsRejected('accept-failed', 2).message).toBe(
    'turned away 2 clients: the system could not accept them (are descriptors short? see ulimit -n)',
  );
});

test('the beginning and the end', () => {
  const identity = { version: '1.2.3', listen: ['127.0.0.1:2379', 'unix:/run/etcd.sock'] };
  const members = ['10.0.0.1', '10.0.0.2'].map((host) => aMember(host, { host }));
  expect(started(identity, members, 9379)).toEqual({
    level: 'info',
    kind: 'started',
    message:
      'etcd-lb 1.2.3 listens on 127.0.0.1:2379, unix:/run/etcd.sock in front of http://10.0.0.1:2379, http://10.0.0.2:2379',
    fields: {
      ...identity,
      endpoints: ['http://10.0.0.1:2379', 'http://10.0.0.2:2379'],
      observePort: 9379,
    },
  });
  expect(stopping(1, 10_000).message).toBe(
    'stopping: no new clients; 1 session may end within 10000 ms',
  );
  expect(stopped(0).message).toBe('stopped');
  expect(stopped(3)).toMatchObject({ message: 'stopped; 3 sessions closed', fields: { cut: 3 } });
});

describe('the event log', () => {
  test('stamps an event, keeps it and hands it on', () => {
    const heard: Event[] = [];
    const log = new EventLog((event) => heard.push(event));
    const before = Date.now();
    log.record(stopped(0));
    expect(heard).toEqual([{ ...stopped(0), at: expect.any(Number) }]);
    expect(heard[0]?.at).toBeGreaterThanOrEqual(before);
    expect(heard[0]?.at).toBeLessThanOrEqual(Date.now());
    expect(log.recent).toEqual(heard);
  });

  test('keeps the last 300, oldest first', () => {
    let heard = 0;
    const log = new EventLog(() => {
      heard += 1;
    });
    for (let n = 0; n < 1000; n += 1) log.record(stopped(n));
    expect(heard).toBe(1000);
    expect(log.recent.map(({ fields }) => fields)).toEqual(
      Array.from({ length: 300 }, (_, index) => ({ cut: 700 + index })),
    );
  });
});
