/** What `etcd-lb status` says of holds. */
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { statusTable } from '../../../../src/cli/operator/status-table.ts';
import type { Status } from '../../../../src/observe/status.ts';
import { updateWith } from '../../page/updates.ts';

const now = Date.parse('2026-11-22T20:42:00.000Z');
const current = {
  leader: 'm1',
  cause: 'unresponsive',
  why: 'm1, the leader, does not answer',
  since: '2026-11-22T20:41:59.180Z',
  forMs: 820,
} as const;
const last = {
  leader: 'm1',
  cause: 'unresponsive',
  end: 'elected',
  successor: 'm2',
  at: '2026-11-22T20:40:00.000Z',
  durationMs: 1_321,
} as const;

/** Lines, without colours. */
function table(hold: Status['hold']): string[] {
  const status: Status = { ...updateWith({ hold }), events: [] };
  const text = statusTable({ status, at: 500 }, { status, at: 0 }, now);
  return stripVTControlCharacters(text).split('\n');
}

test('a hold that lasts stands below the summary', () => {
  const [summary, held, empty, heads] = table({ limitMs: 4_000, current });
  expect(summary).toMatch(/^etcd-lb 1\.2\.3 on /);
  expect(held).toBe('holding for 0.8 s: m1, the leader, does not answer');
  expect([empty, heads]).toEqual(['', expect.stringMatching(/^MEMBER /)]);
});

test('the last one is told for ten minutes, below the members', () => {
  expect(table({ limitMs: 4_000, last }).at(-1)).toBe('last hold 1 min ago, for 1.3 s: m2 leads');
  const old = { ...last, at: '2026-11-22T20:31:58.000Z' };
  expect(table({ limitMs: 4_000, last: old })).toEqual(table({ limitMs: 4_000 }));
});

test('without any there is no line of it', () => {
  expect(table({ limitMs: 4_000 }).join('\n')).not.toContain('hold');
});
