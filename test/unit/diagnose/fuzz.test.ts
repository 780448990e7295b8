/**
 * Whatever a member serves at `/metrics` and says of itself: findings, each of which can be shown. fast-check prints
 * the seed of what fails.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { examine } from '../../../src/diagnose/examine.ts';
import { numberOf, parseExposition, quantile } from '../../../src/diagnose/probes/exposition.ts';
import { reportOf, tableOf } from '../../../src/diagnose/report.ts';
import { cluster, metrics, withFacts } from './observations.ts';

const series = fc.constantFrom(
  'etcd_disk_wal_fsync_duration_seconds_bucket',
  'etcd_disk_backend_commit_duration_seconds_bucket',
  'etcd_network_peer_round_trip_time_seconds_bucket',
  ...['etcd_server_heartbeat_send_failures_total', 'etcd_server_slow_apply_total'],
  ...['etcd_server_leader_changes_seen_total', 'etcd_server_quota_backend_bytes'],
  ...['process_start_time_seconds', 'process_open_fds', 'process_max_fds', '__proto__'],
);
const value = fc.oneof(
  fc.constantFrom('NaN', '+Inf', '-Inf', '-1', '0', '1e308', '1e999', '0x10', '1_000', '', 'x'),
  fc.double().map(String),
  fc.nat().map(String),
);
const text = fc.oneof(value, fc.string({ unit: 'binary', maxLength: 8 }));
const labels = fc
  .array(fc.tuple(fc.constantFrom('le', 'To', '__proto__', 'x'), text), { maxLength: 3 })
  .map((pairs) => pairs.map(([name, each]) => `${name}="${each}"`).join(','));
const line = fc.oneof(
  fc.tuple(series, labels, value).map(([name, some, each]) => `${name}{${some}} ${each}`),
  fc.tuple(series, value).map(([name, each]) => `${name} ${each}`),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
/** Of a histogram that has counted enough to be judged. */
const histogram = fc
  .tuple(series, fc.array(fc.tuple(value, value), { maxLength: 6 }))
  .map(([name, buckets]) =>
    buckets.map(([le, each]) => `${name}{To="a",le="${le}"} ${each}`).join('\n'),
  );
const page = fc
  .array(fc.oneof(line, histogram), { maxLength: 40 })
  .map((lines) => lines.join('\n'));

test('a page is read, and its figures are numbers or none', () => {
  fc.assert(
    fc.property(page, series, fc.double({ min: 0, max: 1, noNaN: true }), (content, name, q) => {
      const samples = parseExposition(content);
      for (const each of samples) expect(typeof each.value).toBe('number');
      expect(numberOf(samples, name)).not.toBeNaN();
      expect(quantile(samples, name.replace(/_bucket$/, ''), q, 1)).not.toBeNaN();
    }),
    { numRuns: 2_000 },
  );
});

test('findings can be drawn and shown', () => {
  const { settings } = {
    settings: { listen: [], tls: 'passthrough', discovery: 'static' } as const,
  };
  const number = fc.oneof(fc.double(), fc.constantFrom(0, -1, Number.NaN, 2 ** 64));
  const facts = fc.record({
    ...{
      clusterId: text,
      memberId: text,
      version: text,
      leaderId: fc.option(text, { nil: undefined }),
    },
    ...{
      term: number,
      raftIndex: number,
      appliedIndex: number,
      dbSize: number,
      dbSizeInUse: number,
    },
    isLearner: fc.boolean(),
    alarms: fc.array(fc.record({ kind: text, memberId: text }), { maxLength: 3 }),
    members: fc.array(
      fc.record({
        ...{ id: text, name: text, isLearner: fc.boolean() },
        clientUrls: fc.array(fc.oneof(text, fc.webUrl()), { maxLength: 3 }),
      }),
      { maxLength: 4 },
    ),
  });
  const clock = fc.record({ date: number, askedAt: number, answeredAt: number });
  fc.assert(
    fc.property(fc.array(fc.tuple(page, facts, clock), { maxLength: 4 }), (said) => {
      const observations = cluster(said.length).map((observation, index) => {
        const [content, says, time] = said[index] as (typeof said)[number];
        return { ...withFacts(observation, says), metrics: metrics(content), clock: time };
      });
      const findings = examine(observations, { ...settings, certificates: { members: {} } }, [], 0);
      // What a terminal would obey does not reach it.
      expect(tableOf(findings, said.length, 80)).toMatch(/^[\P{Cc}\n]*$/u);
      expect(JSON.parse(JSON.stringify(reportOf(findings)))).toHaveProperty('findings');
    }),
    { numRuns: 1_000 },
  );
});
