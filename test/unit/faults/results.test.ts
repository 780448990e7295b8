import { describe, expect, test } from 'vitest';
import { holdsIn } from '../../faults/holds.ts';
import { fromJson, merged, toJson } from '../../faults/results.ts';
import { settingsOf } from '../../faults/setting.ts';
import { markdown, type Result } from '../../faults/table.ts';

const base: Result = {
  ...{ fault: 'kill-leader', contestant: 'etcd-lb', etcd: '3.5', tls: 'plain', members: 3 },
  ...{ round: 0, on: '2026-11-26', load: undefined, figures: {}, did: [], said: [], bounds: [] },
};
const faults = ['kill-leader', 'stop-leader'];

describe('results that are measured in parts', () => {
  test('those measured anew take the place of all older rounds of theirs, and no others', () => {
    const older: Result[] = [
      { ...base, on: 'old' },
      { ...base, on: 'old', round: 1 },
      { ...base, on: 'old', etcd: '3.4' },
      { ...base, on: 'old', tls: 'passthrough' },
      { ...base, on: 'old', members: 5 },
      { ...base, on: 'old', contestant: 'haproxy' },
      { ...base, on: 'old', fault: 'stop-leader' },
    ];
    const all = merged(older, [base], faults);
    expect(all).toHaveLength(6);
    expect(all.filter(({ on }) => on !== 'old')).toEqual([base]);
  });

  test('every round of a run is kept, in the order of faults', () => {
    const rounds = [0, 1, 2].map((round) => ({ ...base, round }));
    const stopped = { ...base, fault: 'stop-leader' };
    expect(merged([stopped], rounds, faults)).toEqual([...rounds, stopped]);
    const table = markdown(rounds, '').split('\n');
    expect(table.filter((row) => row.startsWith('| kill-leader | 3.5 | plain | 3 |'))).toHaveLength(
      3,
    );
  });

  test('numbers survive that JSON has no word for', () => {
    const result = {
      ...base,
      figures: { balanced: Number.POSITIVE_INFINITY, election: Number.NaN },
    };
    expect(fromJson(toJson([result]))).toEqual([result]);
  });
});

describe('settings', () => {
  const asked = { etcd: ['3.4', '3.5'], tls: ['plain', 'passthrough'], members: [3, 5] } as const;

  test('every combination that the fault allows', () => {
    expect(settingsOf({ members: 3, anySize: true }, asked)).toHaveLength(8);
    expect(settingsOf({ members: 5 }, asked).map(({ members }) => members)).toEqual([5, 5, 5, 5]);
    expect(settingsOf({ members: 3, anySize: true, onlyEtcd: '3.4' }, asked)).toHaveLength(4);
  });

  test("the fault's own size where none is asked for", () => {
    expect(settingsOf({ members: 3, anySize: true }, { etcd: ['3.5'], tls: ['plain'] })).toEqual([
      { etcd: '3.5', tls: 'plain', members: 3 },
    ]);
  });
});

describe('holds in the log', () => {
  const began = { event: 'hold-began', msg: '' };
  const ended = (durationMs: number) => ({ event: 'hold-ended', msg: '', durationMs });

  test('are counted, and the longest counts', () => {
    expect(holdsIn([])).toEqual({ holds: 0, longestHold: 0 });
    expect(holdsIn([began, ended(30), { msg: 'else' }, began, ended(1_200)])).toEqual({
      ...{ holds: 2, longestHold: 1_200 },
    });
  });

  test('one that does not end is without end', () => {
    expect(holdsIn([began, ended(30), began]).longestHold).toBe(Number.POSITIVE_INFINITY);
  });
});
