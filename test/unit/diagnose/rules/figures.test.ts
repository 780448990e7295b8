import { describe, expect, test } from 'vitest';
import { findInFigures } from '../../../../src/diagnose/rules/figures.ts';
import { cluster, metrics } from '../observations.ts';

const now = Date.UTC(2026, 0, 1);

/** What is seen in these metrics of m0, in a cluster of three; it has been up for `hours`. */
function seen(text: string, hours = 0.5): string[] {
  const start = `process_start_time_seconds ${now / 1000 - hours * 3600}\n`;
  const clock = { date: now, askedAt: now, answeredAt: now };
  const [m0, ...others] = cluster(3);
  if (m0 === undefined) throw new Error('no members');
  const findings = findInFigures([{ ...m0, metrics: metrics(start + text), clock }, ...others]);
  for (const { severity, subject } of findings) {
    expect({ severity, subject }).toEqual({ severity: 'warning', subject: 'm0' });
  }
  return findings.map((finding) => finding.seen);
}

/** A histogram of `count`, all of them within one bucket up to `upper`. */
function histogram(name: string, lower: number, upper: number, count: number, labels = ''): string {
  const bucket = (le: string, value: number) => `${name}_bucket{${labels}le="${le}"} ${value}\n`;
  return bucket(String(lower), 0) + bucket(String(upper), count) + bucket('+Inf', count);
}

describe('latencies', () => {
  test.each([
    ['etcd_disk_wal_fsync_duration_seconds', 0.01, 'writes to the log'],
    ['etcd_disk_backend_commit_duration_seconds', 0.025, 'commits to the database'],
  ])('%s above %d s', (series, bound, what) => {
    expect(seen(histogram(series, bound / 2, bound, 100))).toEqual([]);
    expect(seen(histogram(series, bound, bound * 2, 99))).toEqual([]); // too few to tell
    expect(seen(histogram(series, bound, bound * 2, 100))).toEqual([
      expect.stringMatching(
        `^one in a hundred ${what} took \\d+ ms or more, and ${bound * 1000} ms is the bound, since the process started 30 min ago$`,
      ),
    ]);
  });

  test('round trips are told by peer, under its name', () => {
    const series = 'etcd_network_peer_round_trip_time_seconds';
    const text =
      histogram(series, 0.0512, 0.0999, 500, 'To="1",') +
      histogram(series, 0.1024, 0.2048, 500, 'To="2",');
    expect(seen(text)).toEqual([
      expect.stringMatching(/^one in a hundred round trips to m2 took 204 ms/),
    ]);
  });
});

describe('counters', () => {
  test.each([
    ['etcd_server_heartbeat_send_failures_total', 5, 500],
    ['etcd_server_slow_apply_total', 20, 2_000],
    ['etcd_server_proposals_failed_total', 20, 2_000],
  ])('%s may be %d in an hour and %d in a hundred', (series, once, later) => {
    expect(seen(`${series} ${once}`)).toEqual([]);
    expect(seen(`${series} ${once + 1}`)).toEqual([
      expect.stringMatching(`: ${once + 1}, since the process started 30 min ago$`),
    ]);
    expect(seen(`${series} ${later}`, 100)).toEqual([]);
    expect(seen(`${series} ${later + 1}`, 100)).toHaveLength(1);
  });
});

describe('elections', () => {
  /** What is seen when members have counted so many, and have been up for so many days. */
  const counted = (...members: readonly (readonly [count: number, days: number])[]) =>
    findInFigures(
      cluster(members.length).map((each, index) => {
        const [count = 0, days = 0] = members[index] ?? [];
        const start = now / 1000 - days * 86_400;
        return {
          ...each,
          clock: { date: now, askedAt: now, answeredAt: now },
          metrics: metrics(
            `process_start_time_seconds ${start}\netcd_server_leader_changes_seen_total ${count}`,
          ),
        };
      }),
    ).map(({ severity, subject, seen }) => `${severity} ${subject}: ${seen}`);

  test('may be four at the start, and then one a day', () => {
    expect(counted([4, 0])).toEqual([]);
    expect(counted([5, 0])).toHaveLength(1);
    expect(counted([14, 10], [14, 10], [1, 0])).toEqual([]);
  });

  test('are told once, by the member that counted most', () => {
    expect(counted([15, 10], [40, 30], [39, 20])).toEqual([
      'warning cluster: changes of the leader: 40, counted by m1 since the process started 30 days ago',
    ]);
  });
});

test('proposals pending and files open are held against their limits', () => {
  expect(seen('etcd_server_proposals_pending 100')).toEqual([]);
  expect(seen('etcd_server_proposals_pending 101')).toEqual(['proposals pending: 101']);
  expect(seen('process_open_fds 800\nprocess_max_fds 1000')).toEqual([]);
  expect(seen('process_open_fds 801\nprocess_max_fds 1000')).toEqual([
    'files open: 801 of at most 1000',
  ]);
  expect(seen('process_open_fds 801')).toEqual([]);
});

test('without a clock or a start the age of the process is left out', () => {
  const [m0] = cluster(1);
  const text = 'etcd_server_leader_changes_seen_total 50';
  expect(m0 && findInFigures([{ ...m0, metrics: metrics(text) }])).toMatchObject([
    { seen: 'changes of the leader: 50, counted by m0 since the process started' },
  ]);
});

test('what cannot be read is passed over', () => {
  const unread = { kind: 'unread', why: 'answered 404' } as const;
  expect(findInFigures(cluster(3).map((each) => ({ ...each, metrics: unread })))).toEqual([]);
});
