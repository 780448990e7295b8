import { expect, test } from 'vitest';
import { MemberTable, type TableChange } from '../../../../src/health/member-table.ts';
import { afterFailure, holdTime, undamped } from '../../../../src/health/state/damping.ts';
import { aMember, checkSettings } from '../../../support/members.ts';

test('the first failure is forgiven, each further one doubles the hold, up to a minute', () => {
  let damping = undamped;
  const holds: number[] = [];
  for (let failure = 0; failure < 10; failure += 1) {
    damping = afterFailure(damping, failure * 1000);
    holds.push(holdTime(damping));
  }
  expect(holds).toEqual([0, 1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 60e3, 60e3, 60e3]);
});

test('after five quiet minutes all is forgotten', () => {
  const often = [0, 1, 2, 3].reduce((damping, at) => afterFailure(damping, at), undamped);
  expect(holdTime(afterFailure(often, 300_003))).toBe(8000);
  expect(holdTime(afterFailure(often, 300_004))).toBe(0);
});

const timeout = { reason: 'timeout', detail: 'timed out' } as const;

/** Two members; m1 is healthy throughout, m0 fails and recovers. Returns when m0 was restored. */
function restoredAfter(failures: number, otherHealthy: boolean): number | undefined {
  const [m0, m1] = [aMember('m0'), aMember('m1')];
  const changes: TableChange[] = [];
  const settings = checkSettings({ checkRise: 2, checkFastInterval: 0 });
  const table = new MemberTable([m0, m1], settings, (change) => changes.push(change));
  const fail = { kind: 'check-failed', failure: timeout, conclusive: false, startedAt: 0 } as const;
  const pass = { kind: 'check-passed' } as const;
  table.observe(m0, pass, 0);
  table.observe(m1, pass, 0);
  let now = 0;
  for (let failure = 1; ; failure += 1) {
    now += 1000;
    if (failure === failures && !otherHealthy) table.observe(m1, fail, now);
    table.observe(m0, fail, now);
    const failedAt = now;
    while (m0.health.state !== 'healthy') {
      now += 250;
      if (now - failedAt > 120_000) return undefined;
      table.observe(m0, pass, now);
    }
    if (failure === failures) return now - failedAt;
  }
}

test('a member that flaps is restored ever more slowly', () => {
  const times = [1, 2, 3, 4].map((failures) => restoredAfter(failures, true));
  expect(times).toEqual([500, 1250, 2250, 4250]);
});

test('nobody is made to wait while nobody is healthy', () => {
  expect(restoredAfter(4, false)).toBe(500);
});
