/**
 * A real Prometheus that scrapes two balancers in front of a real cluster, with clients through both: /metrics
 * pleases its linter, alerts and dashboard use metrics that there are, every panel has data, and a
 * member that is killed is told of. TLS is originated, so that calls can be followed and certificates expire.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { LocalMember } from '../../src/demo/local-member.ts';
import { type Family, parseExposition } from '../cli/exposition.ts';
import { findPromtool } from '../machine/programs.ts';
import { Balancer } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { etcd3 } from '../support/clients.ts';
import { Load } from '../support/load.ts';
import { alerts, metricsIn, prometheusFolder, recordings, ruleTests } from './alerts.ts';
import { annotations, filledIn, queries, variables } from './dashboard.ts';
import { PrometheusServer } from './prometheus-server.ts';

/** What Grafana fills in; a window that holds the whole test. */
const values = { cluster: 'production', job: 'etcd-lb', instance: '.*', __rate_interval: '5m' };
const members = ['m0', 'm1', 'm2'];
/** Until enough scrapes have seen it, ms. */
const patience = { timeout: 30_000 };

const parts = new AsyncDisposableStack();
let certificates: Certificates;
let cluster: LocalCluster;
let balancers: Balancer[];
let loads: Load[];
let prometheus: PrometheusServer;

beforeAll(async () => {
  const etcd = await findEtcd();
  certificates = parts.use(await createCertificates());
  const { ca, server, client } = certificates;
  const tls = { ca, serverCert: server.cert, serverKey: server.key };
  cluster = parts.use(await startLocalCluster({ etcd, size: 3, tls }));
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-prometheus-'));
  parts.defer(() => rm(folder, { recursive: true }));
  const flags = [
    ...['--snapshot-dir', folder, '--snapshot-every', '1m'],
    ...['--endpoints', cluster.members.map((each) => `${each.name}=${each.clientUrl}`).join()],
    ...['--tls', 'originate', '--plaintext-tcp', 'on', '--inspect-interval', '500ms'],
    ...['--cacert', ca, '--cert', client.cert, '--key', client.key],
  ];
  balancers = [parts.use(await Balancer.start(flags)), parts.use(await Balancer.start(flags))];
  await Promise.all(balancers.map((balancer) => balancer.healthy(members)));
  loads = balancers.map(({ address }) => parts.use(new Load(`http://${address}`, 6, 50)));
  await Promise.all(loads.map((load) => load.everyoneServed()));
  prometheus = parts.use(
    await PrometheusServer.start(balancers.map(({ observeUrl }) => new URL(observeUrl).host)),
  );
});
afterAll(() => parts.disposeAsync());

describe('the files as promtool reads them', () => {
  test.each([
    {
      command: 'check rules',
      file: 'alerts.yaml',
      says: `SUCCESS: ${alerts.length + recordings.length} rules found`,
    },
    { command: 'test rules', file: 'alerts.test.yaml', says: 'SUCCESS' },
    { command: 'check config', file: 'prometheus.yaml', says: 'SUCCESS: 1 rule files found' },
  ])(
    '$command $file',
    async ({ command, file, says }) => {
      const { stdout, stderr } = await promtool([...command.split(' '), file]);
      expect(stdout).toContain(says);
      expect(stdout + stderr).not.toMatch(/warn|fail|error/i);
    },
    90_000,
  ); // hours of alerts are gone through
});

describe('/metrics', () => {
  test('gives promtool check metrics nothing to say', async () => {
    expect(await promtool(['check', 'metrics'], await exposition())).toEqual({
      stdout: '',
      stderr: '',
    });
  });

  test('has every metric that alerts and dashboard name', async () => {
    const known = (await families()).flatMap(({ name, type }) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    );
    const recorded = recordings.map(({ record }) => record);
    const used = [...alerts, ...recordings, ...queries].flatMap(({ expr }) => metricsIn(expr));
    const there = new Set([...known, ...recorded]);
    expect(used.filter((name) => !there.has(name))).toEqual([]);
  });

  test('has the series that the alerts are tested with, label for label', async () => {
    const all = await families();
    const real = new Set(all.flatMap(({ samples }) => samples.map(({ series }) => sorted(series))));
    // Series that only Prometheus has, that there are only while an alarm is raised, or whose labels are versions.
    const others = ['up', 'etcd_lb_cluster_alarm', 'etcd_lb_build_info'];
    const tested = ruleTests.flatMap((each) => each.input_series).map(({ series }) => series);
    const ours = tested.filter((series) => !others.includes(series.replace(/\{.*/, '')));
    const missing = ours.map(sorted).filter((series) => !real.has(series));
    expect([...new Set(missing)]).toEqual([]);
  });
});

describe('when a member is killed and another has no space', () => {
  let killed: LocalMember;
  let full: LocalMember;

  beforeAll(async () => {
    await vi.waitFor(async () => expect(await scrapes()).toBeGreaterThan(2), patience);
    const leader = await cluster.leader();
    const [first, second] = cluster.members.filter((member) => member !== leader);
    if (first === undefined || second === undefined) throw new Error('no followers');
    [killed, full] = [first, second];
    await killed.kill();
    await Promise.all(balancers.map((balancer) => balancer.reached(killed.name, 'failed')));
    await Promise.all(loads.map((load) => load.everyoneServed()));
    // etcd refuses writes from now on; the loads' reads go on.
    const client = etcd3(leader.clientUrl, certificates);
    const status = await balancers[0]?.status();
    const { memberId } = status?.members.find(({ name }) => name === full.name)?.etcd ?? {};
    const memberID = BigInt(`0x${memberId}`).toString();
    await client.maintenance.alarm({ action: 'Activate', memberID, alarm: 'Nospace' });
    client.close();
  });

  test('Prometheus evaluates every rule, and what is wrong makes alerts, once for both balancers', async () => {
    const about = (alertname: string, labels: object) =>
      expect.objectContaining({ alertname, cluster: 'production', job: 'etcd-lb', ...labels });
    const expiring = balancers.flatMap(({ observeUrl }) =>
      ['cacert', 'cert'].flatMap((certificate) =>
        // Those of the test are valid for a day.
        ['EtcdLbCertificateExpiring', 'EtcdLbCertificateExpiringSoon'].map((name) =>
          about(name, { instance: new URL(observeUrl).host, certificate }),
        ),
      ),
    );
    const expected = [
      about('EtcdLbMemberDown', { member: killed.name, severity: 'warning' }),
      about('EtcdLbNoFaultTolerance', { severity: 'critical' }),
      about('EtcdLbSpaceAlarm', { member: full.name, severity: 'critical' }),
      ...expiring,
    ];
    await vi.waitFor(async () => {
      const active = await prometheus.activeAlerts();
      // How busy this machine is does not matter here.
      const labels = active
        .map((alert) => alert.labels)
        .filter(({ alertname }) => alertname !== 'EtcdLbEventLoopLate');
      expect(labels).toHaveLength(expected.length);
      expect(labels).toEqual(expect.arrayContaining(expected));
      const down = active.find((alert) => alert.labels['alertname'] === 'EtcdLbMemberDown');
      expect(Number(down?.value)).toBe(1); // all balancers
    }, patience);
    const rules = await prometheus.rules();
    expect(rules).toHaveLength(alerts.length + recordings.length);
    for (const { name, health, lastError } of rules)
      expect([name, health, lastError]).toEqual([name, 'ok', undefined]);
  });

  test.each(variables.filter(({ type }) => type === 'query'))(
    'the variable $name has values',
    async ({ query }) => {
      const text = typeof query === 'string' ? query : query.query;
      const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(text) ?? [];
      expect(await prometheus.valuesOf(label, filledIn(selector, values))).not.toEqual([]);
    },
  );

  test.each(annotations)('the annotation $name is of series that there are', async ({ expr }) => {
    const series = filledIn(expr, values).replace(/ (> 0|== 1)$/, '');
    expect(series).not.toBe(filledIn(expr, values)); // it marks some moments, not all
    await expect.poll(async () => (await prometheus.query(series)).length, patience).not.toBe(0);
  });

  test.each(queries)('the panel "$title" has data ($refId)', async ({ expr }) => {
    const filled = filledIn(expr, values);
    const numbers = async () => (await prometheus.query(filled)).map(({ value }) => +value[1]);
    await expect.poll(async () => (await numbers()).some(Number.isFinite), patience).toBe(true);
  });
});

/** Runs it beside our files; resolves with what it said, and rejects where it is not content. */
async function promtool(
  args: readonly string[],
  input = '',
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const { path, env } = await findPromtool();
  const running = promisify(execFile)(path, args, {
    cwd: prometheusFolder,
    env: { ...process.env, ...env },
  });
  running.child.stdin?.end(input);
  return await running;
}

/** What the first balancer answers. */
async function exposition(): Promise<string> {
  return await (await fetch(`${balancers[0]?.observeUrl}/metrics`)).text();
}

async function families(): Promise<Family[]> {
  return parseExposition(await exposition());
}

/** How often every balancer has been scraped. */
async function scrapes(): Promise<number> {
  const counts = await prometheus.query('count_over_time(etcd_lb_panic[5m])');
  return counts.length < balancers.length ? 0 : Math.min(...counts.map(({ value }) => +value[1]));
}

/** A series with its labels in the order of the alphabet, and without those that Prometheus adds. */
function sorted(series: string): string {
  const labels = series.match(/\w+="[^"]*"/g) ?? [];
  const own = labels.filter((label) => !/^(cluster|job|instance)=/.test(label)).sort();
  return `${series.replace(/\{.*/, '')}{${own.join()}}`;
}
