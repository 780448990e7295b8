/** The sentences people read at night, word by word, and the bounded memory of them. */

import { describe, expect, test } from 'vitest';
import type { RoutingMode } from '../../../../src/health/routing.ts';
import type { Health } from '../../../../src/health/state/health.ts';
import { type Event, describe as told } from '../../../../src/observe/events/event.ts';
import { EventLog, type NumberedEvent } from '../../../../src/observe/events/event-log.ts';
import type { Sentence } from '../../../../src/observe/events/sentences/sentence.ts';

const since = Date.parse('2026-11-22T20:42:06.987Z');

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

function memberChanged(from: Health, to: Health): Sentence {
  return told({ kind: 'member-changed', member: 'm1', from, to, hold: 0 });
}

function modeChanged(from: RoutingMode, to: RoutingMode): Sentence {
  return told({ kind: 'mode-changed', from, to, drained: [] });
}

function sessionsEvicted(sessions: number, others: string[], mode: RoutingMode): Sentence {
  return told({ kind: 'sessions-evicted', member: 'm1', sessions, health: failed, others, mode });
}

function stopped(cut: number): Event {
  return { kind: 'stopped', cut };
}

describe('a change of a member', () => {
  test.each<[Health, Health, Sentence['level'], string]>([
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
    expect(memberChanged(from, to)).toMatchObject({
      level,
      message,
    });
  });

  test('has the fields to search for, times as ISO 8601', () => {
    expect(memberChanged(suspect, failed).fields).toEqual({
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
    expect(memberChanged(unknown, healthy).fields).toEqual({
      member: 'm1',
      from: 'unknown',
      to: 'healthy',
    });
  });

  test('to recovering is not a warning', () => {
    expect(memberChanged(failed, recovering)).toMatchObject({
      level: 'info',
      message: expect.stringMatching(/^m1: failed -> recovering/),
    });
  });
});

test('a change of mode', () => {
  expect(modeChanged('normal', 'panic')).toEqual({
    level: 'error',
    message:
      'no member is healthy: until one passes its checks, connections go to every member, except one that is unresponsive while most answer',
    fields: { from: 'normal', to: 'panic' },
  });
  expect(modeChanged('starting', 'normal')).toMatchObject({
    level: 'info',
    message: 'a member is healthy: ready',
  });
  expect(modeChanged('panic', 'normal')).toMatchObject({
    level: 'info',
    message: 'a member is healthy again: only healthy members are routed to',
  });
});

test('the first member lost while others are unchecked is not told as if none had been checked', () => {
  expect(modeChanged('normal', 'starting').message).not.toBe('no member has been checked yet');
});

test('an eviction says from where, why, and who is left', () => {
  expect(sessionsEvicted(22, ['m0', 'm2'], 'normal')).toEqual({
    level: 'warn',
    message:
      'evicted 22 sessions from m1: 2 checks failed since 20:42:06.9 (timed out after 700 ms); m0, m2 healthy',
    fields: { member: 'm1', sessions: 22, reason: 'timeout', healthy: ['m0', 'm2'] },
  });
  expect(sessionsEvicted(1, ['m0'], 'normal').message).toMatch(/^evicted 1 session from m1: /);
  expect(sessionsEvicted(22, ['m0', 'm2'], 'panic')).toMatchObject({
    message: expect.stringMatching(/; m0, m2 answer$/),
    fields: { answer: ['m0', 'm2'] },
  });
});

test('clients turned away', () => {
  expect(told({ kind: 'clients-rejected', reason: 'limit', clients: 1 })).toEqual({
    level: 'warn',
    message: 'turned away 1 client: max-connections is reached',
    fields: { reason: 'limit', clients: 1 },
  });
  expect(told({ kind: 'clients-rejected', reason: 'no-member', clients: 1204 }).message).toBe(
    'turned away 1204 clients: no member could be reached',
  );
  expect(told({ kind: 'clients-rejected', reason: 'accept-failed', clients: 2 }).message).toBe(
    'turned away 2 clients: the system could not accept them (are descriptors short? see ulimit -n)',
  );
});

test('the beginning and the end', () => {
  const identity = { version: '1.2.3', listen: ['127.0.0.1:2379', 'unix:/run/etcd.sock'] };
  const endpoints = ['http://10.0.0.1:2379', 'http://10.0.0.2:2379'];
  expect(told({ kind: 'started', ...identity, endpoints, observePort: 9379 })).toEqual({
    level: 'info',
    message:
      'etcd-lb 1.2.3 listens on 127.0.0.1:2379, unix:/run/etcd.sock in front of http://10.0.0.1:2379, http://10.0.0.2:2379',
    fields: {
      ...identity,
      endpoints: ['http://10.0.0.1:2379', 'http://10.0.0.2:2379'],
      observePort: 9379,
    },
  });
  expect(told({ kind: 'stopping', sessions: 1, drainTimeout: 10_000 }).message).toBe(
    'stopping: no new clients; 1 session may end within 10s',
  );
  expect(told(stopped(0)).message).toBe('stopped');
  expect(told(stopped(3))).toMatchObject({
    message: 'stopped; 3 sessions closed',
    fields: { cut: 3 },
  });
});

describe('the event log', () => {
  test('stamps an event, keeps it and hands it on', () => {
    const heard: [NumberedEvent, Event][] = [];
    const log = new EventLog();
    log.subscribe((recorded, event) => heard.push([recorded, event]));
    const before = Date.now();
    log.record(stopped(0));
    const recorded = { kind: 'stopped', ...told(stopped(0)), at: expect.any(Number) };
    const id = expect.stringMatching(/-1$/);
    expect(heard).toEqual([[{ id, ...recorded }, stopped(0)]]);
    expect(log.recent).toEqual([recorded]);
    expect(log.recent[0]?.at).toBeGreaterThanOrEqual(before);
    expect(log.recent[0]?.at).toBeLessThanOrEqual(Date.now());
    expect(Object.keys(log.recent[0] ?? {})).toEqual(['at', 'level', 'kind', 'message', 'fields']);
  });

  test('keeps the last 300, oldest first', () => {
    let heard = 0;
    const log = new EventLog();
    log.subscribe(() => {
      heard += 1;
    });
    for (let n = 0; n < 1000; n += 1) log.record(stopped(n));
    expect(heard).toBe(1000);
    expect(log.recent.map(({ fields }) => fields)).toEqual(
      Array.from({ length: 300 }, (_, index) => ({ cut: 700 + index })),
    );
  });
});
