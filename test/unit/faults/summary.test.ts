import { describe, expect, test } from 'vitest';
import type { LoadRecord, Sample } from '../../faults/load/plan.ts';
import { summarize } from '../../faults/load/summary.ts';

const nothing = { watches: [], confirmed: {}, leases: 0, leasesLost: [] } as const;

function call(startedAt: number, endedAt: number, error?: string, client = 'node 0'): Sample {
  return { client, kind: 'put', startedAt, endedAt, ...(error && { error }) };
}

function recordOf(...samples: readonly Sample[]): LoadRecord {
  return { ...nothing, samples };
}

describe('what each break cost', () => {
  const crashes = [
    { from: 1_000, until: 2_000 },
    { from: 6_000, until: 7_500 },
  ];
  const failedEach = (...samples: readonly Sample[]) =>
    summarize(recordOf(...samples), crashes).faults.map(({ failed }) => failed);

  test('a call in flight on the leader that dies is of that crash', () => {
    expect(failedEach(call(990, 1_001, 'reset'), call(5_990, 6_001, 'reset'))).toEqual([1, 1]);
  });

  test('a call that was lost in one crash and times out in the next is of the first', () => {
    expect(failedEach(call(1_500, 6_500, 'deadline'))).toEqual([1, 0]);
  });

  test('a call that fails long after is of the last crash before it', () => {
    expect(failedEach(call(4_000, 4_100, 'refused'), call(9_000, 9_100, 'refused'))).toEqual([
      1, 1,
    ]);
  });

  test('a call that failed before any is of none', () => {
    expect(failedEach(call(500, 600, 'refused'))).toEqual([0, 0]);
  });

  test('gaps are of the crash that they overlap, and elections are told', () => {
    const { faults } = summarize(
      recordOf(
        call(0, 10),
        call(900, 950),
        call(2_000, 2_100),
        call(5_900, 5_950),
        call(7_600, 7_700),
      ),
      crashes,
    );
    expect(faults).toEqual([
      { at: '1970-01-01T00:00:01.000Z', election: 1_000, failed: 0, longestGap: 3_850 },
      { at: '1970-01-01T00:00:06.000Z', election: 1_500, failed: 0, longestGap: 1_650 },
    ]);
  });
});

test('the silence of all is shorter than the gap of one', () => {
  const one = [0, 100, 700].map((at) => call(at, at + 10));
  const other = [50, 350, 680].map((at) => call(at, at + 10, undefined, 'node 1'));
  const { longestGap, longestSilence } = summarize(recordOf(...one, ...other), []);
  expect({ longestGap, longestSilence }).toEqual({ longestGap: 590, longestSilence: 330 });
});

test('every failed call is told, in the order in which they began', () => {
  const { failedCalls } = summarize(
    recordOf(call(2_000, 2_010, 'later'), call(1_000, 6_000, 'first'), call(1_500, 1_510)),
    [],
  );
  expect(failedCalls).toEqual([
    {
      ...{ client: 'node 0', kind: 'put', error: 'first' },
      ...{ started: '1970-01-01T00:00:01.000Z', ended: '1970-01-01T00:00:06.000Z' },
    },
    {
      ...{ client: 'node 0', kind: 'put', error: 'later' },
      ...{ started: '1970-01-01T00:00:02.000Z', ended: '1970-01-01T00:00:02.010Z' },
    },
  ]);
});
