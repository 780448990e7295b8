import { describe, expect, test } from 'vitest';
import type { Observation } from '../../../../src/diagnose/observation.ts';
import { findInDatabases } from '../../../../src/diagnose/rules/database.ts';
import { cluster, metrics, refused, withFacts } from '../observations.ts';

/** A member whose database has these sizes, and this quota; bytes. */
function member(dbSize: number, dbSizeInUse: number, quota?: number): Observation[] {
  const text = quota === undefined ? '' : `etcd_server_quota_backend_bytes ${quota}`;
  return cluster(1).map((each) => ({
    ...withFacts(each, { dbSize, dbSizeInUse }),
    metrics: metrics(text),
  }));
}

describe('the quota', () => {
  test.each([
    [79e6, undefined],
    [80e6, 'warning'],
    [95e6, 'error'],
    [100e6, 'error'],
  ])('of 100 MB with a database of %d bytes: %s', (size, severity) => {
    expect(findInDatabases(member(size, size, 100e6)).map((each) => each.severity)).toEqual(
      severity === undefined ? [] : [severity],
    );
  });

  test('says how much, and what mends it', () => {
    expect(findInDatabases(member(1.9e9, 1.5e9, 2e9))).toMatchObject([
      {
        subject: 'm0',
        seen: 'the database takes 1.9 GB, 95 % of its quota of 2 GB',
        mend: expect.stringContaining('--quota-backend-bytes'),
      },
    ]);
    expect(findInDatabases(member(90e6, 10e6, 100e6))).toMatchObject([
      { mend: 'Run `etcdctl --endpoints http://m0:2379 defrag`: only 10 MB hold data.' },
    ]);
  });

  test('that is not known, or not there, is no finding', () => {
    expect(findInDatabases(member(99e6, 99e6))).toEqual([]);
    expect(findInDatabases(member(99e6, 99e6, -1))).toEqual([]);
    expect(findInDatabases(member(99e6, 99e6, 0))).toEqual([]);
  });
});

describe('defragmenting', () => {
  test.each([
    [200e6, 99e6, 1],
    [200e6, 100e6, 0],
    [100e6, 1e6, 0],
    [100e6 + 1, 1e6, 1],
  ])('of %d bytes with %d in use: %d findings', (size, inUse, findings) => {
    expect(findInDatabases(member(size, inUse))).toHaveLength(findings);
  });

  test('is a note with the command', () => {
    expect(findInDatabases(member(1e9, 0.4e9))).toMatchObject([
      {
        severity: 'note',
        seen: '400 MB of the 1 GB that the database takes hold data',
        mend: expect.stringContaining('`etcdctl --endpoints http://m0:2379 defrag`'),
      },
    ]);
  });
});

test('of a member that says nothing nothing is found', () => {
  expect(findInDatabases([refused('m0')])).toEqual([]);
});
