/**
 * The metrics as Prometheus reads them, over a real monitor and a real proxy. What happens is made
 * to happen: verdicts through the member table, sessions through sockets.
 */

import { once } from 'node:events';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { register } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Cluster } from '../../../../src/etcd/cluster.ts';
import { Monitor } from '../../../../src/health/monitor.ts';
import type { HoldView } from '../../../../src/leader/hold-status.ts';
import type { Member } from '../../../../src/members/member.ts';
import type { ReloadHistory } from '../../../../src/observe/events/sentences/operators.ts';
import { Metrics } from '../../../../src/observe/metrics/metrics.ts';
import { DataPath } from '../../../../src/proxy/data-path.ts';
import { copyThroughSharedBuffer } from '../../../../src/proxy/relay/shared-buffer.ts';
import { dataPathSettings } from '../../../support/data-path-settings.ts';
import { someFacts, undescribed } from '../../../support/described-cluster.ts';
import { lookup } from '../../../support/lookup.ts';
import { checkSettings } from '../../../support/members.ts';
import { inOrder, Members, memberAt, refusing } from '../../proxy/members.ts';

const noTls = {};

const failure = { reason: 'timeout', detail: 'timed out after 700 ms' } as const;
let members: Members;
let there: Member[];
let leaving: Member[];
let m0: Member;
let m1: Member;
let monitor: Monitor;
let cluster: Cluster;
let proxy: DataPath;
let metrics: Metrics;
let hold: HoldView;
let reload: ReloadHistory;
let listener: Server;

beforeEach(async () => {
  members = new Members();
  [m0, m1] = [await members.serve('m0', answerTwice), await members.serve('m1', answerTwice)];
  there = [m0, m1];
  m1.place = { ...m1.place, scheme: 'https' }; // so that its calls are not followed
  leaving = [];
  hold = { limit: 4_000, current: undefined, last: undefined };
  reload = { succeededAt: 1_500, last: undefined };
  monitor = new Monitor({
    members: [m0, m1],
    settings: checkSettings(),
    tls: () => noTls,
    lookup,
    isSelf: () => false,
    hasStalled: () => false,
    isUnresponsive: () => false,
  });
  monitor.on('change', ({ member: change }) => {
    if (change === undefined) return;
    metrics.hear({ kind: 'member-changed', ...change, member: change.member.name });
  });
  proxy = new DataPath({
    policy: inOrder,
    snapshot: () => monitor.table.snapshot,
    settings: dataPathSettings({ followCalls: true }),
    lookup,
    connect: net.connect,
    isSelf: () => false,
    copy: copyThroughSharedBuffer,
    observer: {
      attempted: (member, attempt) => metrics.attempted(member, attempt),
      opened: () => {},
      ended: (session) => metrics.sessionEnded(session.member, 1500),
      rejected: () => {},
    },
  });
  cluster = undescribed([m0, m1]);
  metrics = new Metrics();
  metrics.readFrom({
    name: 'cp1',
    version: '1.2.3',
    members: () => there,
    leaving: () => leaving,
    certificates: () => ({ members: {} }),
    monitor,
    cluster,
    hold: () => hold,
    reload: () => reload,
    snapshots: () => undefined,
    lostLogLines: () => 0,
    proxy,
  });
  listener = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
    proxy.accept(socket),
  );
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
});
afterEach(async () => {
  proxy.close();
  await proxy.idle();
  listener.close();
  await members[Symbol.asyncDispose]();
});

/** Sends everything back two times, so that the directions differ. */
function answerTwice(socket: Socket): void {
  socket.on('data', (chunk: Buffer) => socket.write(Buffer.concat([chunk, chunk])));
  socket.on('end', () => socket.end());
}

/** Every series and its value: `etcd_lb_panic`, `etcd_lb_member_up{member="m0"}`. */
async function scrape(): Promise<Map<string, number>> {
  const { text } = await metrics.render();
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const at = line.lastIndexOf(' ');
    expect(series.has(line.slice(0, at))).toBe(false); // none twice
    series.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return series;
}

/** The values of the named series. */
async function valuesOf(...names: string[]): Promise<(number | undefined)[]> {
  const series = await scrape();
  return names.map((name) => series.get(name));
}

async function connect(): Promise<Socket> {
  const socket = net.connect((listener.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** One client's visit: sends so many bytes, is answered, and is gone. */
async function visit(bytes: number): Promise<void> {
  const socket = await connect();
  socket.resume().end('x'.repeat(bytes));
  await once(socket, 'close');
  await proxy.idle();
}

describe('names and help', () => {
  const ours = [
    'build_info',
    'panic',
    'member_up',
    'member_state',
    'sessions',
    'waiting_clients',
    'calls_total',
    'calls_in_flight',
    'streams',
    'unfollowed_sessions_total',
    'call_first_byte_seconds',
    'sessions_opened_total',
    'sessions_closed_total',
    'session_duration_seconds',
    'bytes_total',
    'checks_total',
    'check_duration_seconds',
    'dials_total',
    'dial_duration_seconds',
    'failovers_total',
    'evictions_total',
    'member_state_changes_total',
    'rejected_clients_total',
    'tls_handshakes_failed_total',
    'certificate_reloads_total',
    'last_reload_successful',
    'last_reload_success_timestamp_seconds',
    'max_connections',
    'member_db_quota_bytes',
    'management_refused_total',
    'snapshots_total',
    'snapshot_interval_seconds',
    'snapshot_last_success_timestamp_seconds',
    'snapshot_size_bytes',
    'snapshot_duration_seconds',
    'reloads_total',
    'member_drained',
    'certificate_expiry_timestamp_seconds',
    'member_weight',
    'silences_total',
    'starvations_total',
    'inspections_total',
    'member_known',
    'member_info',
    'member_leader',
    'member_learner',
    'member_unfit',
    'member_raft_term',
    'member_applied_index',
    'member_db_size_bytes',
    'member_db_in_use_bytes',
    'cluster_voters',
    'cluster_quorum',
    'cluster_healthy_voters',
    'cluster_unseen_voters',
    'cluster_fault_tolerance',
    'cluster_has_leader',
    'cluster_disagreeing_members',
    'cluster_versions',
    'cluster_leader_changes_total',
    'cluster_alarm',
    'cluster_replaced',
    'paused',
    'holding',
    'holds_total',
    'hold_duration_seconds',
    'log_lines_lost_total',
    'unexpected_errors_total',
    'event_loop_lag_seconds',
  ];

  test('every name is ours or one of the runtime', async () => {
    const { text } = await metrics.render();
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? '');
    const [mine, theirs] = [/^etcd_lb_/, /^(nodejs|process)_/].map((pattern) =>
      names.filter((name) => pattern.test(name)),
    );
    expect(mine?.toSorted()).toEqual(ours.map((name) => `etcd_lb_${name}`).toSorted());
    expect(theirs).toContain('process_resident_memory_bytes');
    expect(theirs?.filter((name) => /eventloop_lag|active/.test(name))).toEqual([]);
    expect((mine?.length ?? 0) + (theirs?.length ?? 0)).toBe(names.length);
  });

  test('every help text of ours is a sentence', async () => {
    const { text } = await metrics.render();
    const helps = [...text.matchAll(/^# HELP (etcd_lb_\S+) (.*)$/gm)].map((match) => match[2]);
    expect(helps).toHaveLength(ours.length);
    for (const help of helps) expect(help).toMatch(/^[A-Z1].{30,}\.$/);
  });

  test('counters end in _total, durations and times in _seconds, and nothing else does', async () => {
    const { text } = await metrics.render();
    for (const [, name, type] of text.matchAll(/^# TYPE (etcd_lb_\S+) (\S+)$/gm)) {
      expect([name, name?.endsWith('_total')]).toEqual([name, type === 'counter']);
      const isTime =
        type === 'histogram' || /_(timestamp|interval|duration)_seconds$/.test(name ?? '');
      expect([name, name?.endsWith('_seconds')]).toEqual([name, isTime]);
    }
  });

  test('the type of the answer is that of the Prometheus text format', async () => {
    expect((await metrics.render()).contentType).toMatch(/^text\/plain; version=/);
  });

  test('the registry is our own: a second balancer in the process does not clash', () => {
    expect(() =>
      new Metrics().readFrom({
        name: 'cp1',
        version: '1',
        members: () => [],
        leaving: () => [],
        certificates: () => ({ members: {} }),
        monitor,
        cluster,
        hold: () => hold,
        reload: () => reload,
        snapshots: () => undefined,
        lostLogLines: () => 0,
        proxy,
      }),
    ).not.toThrow();
    expect(register.getMetricsAsArray()).toEqual([]);
  });
});

test('series of every member and reason are there from the start, at 0', async () => {
  const series = await scrape();
  for (const member of ['m0', 'm1']) {
    const expected = [
      `checks_total{member="${member}",result="passed",reason=""}`,
      `checks_total{member="${member}",result="failed",reason="timeout"}`,
      `dials_total{member="${member}",result="success",reason=""}`,
      `dials_total{member="${member}",result="abandoned",reason=""}`,
      `dials_total{member="${member}",result="failed",reason="refused"}`,
      `evictions_total{member="${member}"}`,
      `member_up{member="${member}"}`,
      `sessions{member="${member}"}`,
      `sessions_opened_total{member="${member}"}`,
      `sessions_closed_total{member="${member}",reason="client-closed"}`,
      `sessions_closed_total{member="${member}",reason="member-closed"}`,
      `sessions_closed_total{member="${member}",reason="client-reset"}`,
      `sessions_closed_total{member="${member}",reason="member-reset"}`,
      `sessions_closed_total{member="${member}",reason="evicted"}`,
      `sessions_closed_total{member="${member}",reason="shutdown"}`,
      `bytes_total{member="${member}",direction="upstream"}`,
      `bytes_total{member="${member}",direction="downstream"}`,
      `member_state{member="${member}",state="healthy"}`,
      `member_state{member="${member}",state="suspect"}`,
      `member_state{member="${member}",state="failed"}`,
      `member_state{member="${member}",state="recovering"}`,
    ];
    for (const name of expected) expect([name, series.get(`etcd_lb_${name}`)]).toEqual([name, 0]);
    expect(series.get(`etcd_lb_member_state{member="${member}",state="unknown"}`)).toBe(1);
  }
  for (const name of [
    'panic',
    'waiting_clients',
    'failovers_total',
    'rejected_clients_total{reason="limit"}',
    'rejected_clients_total{reason="no-member"}',
    'rejected_clients_total{reason="accept-failed"}',
    'rejected_clients_total{reason="no-request"}',
    'rejected_clients_total{reason="source-limit"}',
    'rejected_clients_total{reason="silent"}',
    'tls_handshakes_failed_total{reason="untrusted"}',
    'certificate_reloads_total{result="applied"}',
    'certificate_reloads_total{result="refused"}',
  ]) {
    expect([name, series.get(`etcd_lb_${name}`)]).toEqual([name, 0]);
  }
  expect(
    series.get(`etcd_lb_build_info{name="cp1",version="1.2.3",node="${process.version}"}`),
  ).toBe(1);
});

test('calls of members that are followed, and only of those', async () => {
  const { calls } = proxy.sessions.totalsOf(m0);
  Object.assign(calls, { started: 5, streams: 3, lost: 1 });
  m0.calls = 2;
  for (const duration of [0.4, 0.5, 3, 7_000]) calls.firstBytes.observe(duration);
  const first = 'etcd_lb_call_first_byte_seconds';
  expect(
    await valuesOf(
      'etcd_lb_calls_total{member="m0"}',
      'etcd_lb_calls_in_flight{member="m0"}',
      'etcd_lb_streams{member="m0"}',
      'etcd_lb_unfollowed_sessions_total{member="m0"}',
      `${first}_bucket{le="0.0005",member="m0"}`,
      `${first}_bucket{le="0.0025",member="m0"}`,
      `${first}_bucket{le="0.005",member="m0"}`,
      `${first}_bucket{le="5",member="m0"}`,
      `${first}_bucket{le="+Inf",member="m0"}`,
      `${first}_count{member="m0"}`,
    ),
  ).toEqual([5, 2, 3, 1, 2, 2, 3, 3, 4, 4]);
  const series = await scrape();
  expect(series.get(`${first}_sum{member="m0"}`)).toBeCloseTo(7.0039);
  expect([...series.keys()].filter((name) => /calls|streams|first_byte/.test(name))).not.toContain(
    'etcd_lb_calls_total{member="m1"}',
  );
});

test('changes of state are there from the start, so that a rate sees the first', async () => {
  const name = 'etcd_lb_member_state_changes_total{member="m0",state="failed"}';
  expect(await valuesOf(name)).toEqual([0]);
});

describe('what happens is counted', () => {
  test('checks by result and reason, and how long they took', async () => {
    metrics.checked(m0, { ok: true, duration: 2 });
    metrics.checked(m0, { ok: true, duration: 20 });
    metrics.checked(m0, { ok: false, duration: 700, failure });
    expect(
      await valuesOf(
        'etcd_lb_checks_total{member="m0",result="passed",reason=""}',
        'etcd_lb_checks_total{member="m0",result="failed",reason="timeout"}',
        'etcd_lb_checks_total{member="m1",result="passed",reason=""}',
        'etcd_lb_check_duration_seconds_bucket{le="0.0025",member="m0"}',
        'etcd_lb_check_duration_seconds_bucket{le="0.5",member="m0"}',
        'etcd_lb_check_duration_seconds_count{member="m0"}',
      ),
    ).toEqual([2, 1, 0, 1, 2, 3]);
    const [sum] = await valuesOf('etcd_lb_check_duration_seconds_sum{member="m0"}');
    expect(sum).toBeCloseTo(0.722);
  });

  test('how late ticks came, a timer that was early as not at all', async () => {
    for (const late of [-0.4, 0.6, 30, 1_500]) metrics.ticked(late);
    const lag = 'etcd_lb_event_loop_lag_seconds';
    expect(
      await valuesOf(
        `${lag}_bucket{le="0.001"}`,
        `${lag}_bucket{le="0.05"}`,
        `${lag}_bucket{le="1"}`,
        `${lag}_count`,
        `${lag}_sum`,
      ),
    ).toEqual([2, 3, 3, 4, 1.5306]);
  });

  test('sessions, their bytes by direction, and the dial that led to each', async () => {
    await visit(1000);
    await visit(24);
    const open = await connect();
    open.write('hello');
    await once(open, 'data');
    expect(
      await valuesOf(
        'etcd_lb_sessions{member="m0"}',
        'etcd_lb_sessions{member="m1"}',
        'etcd_lb_sessions_opened_total{member="m0"}',
        'etcd_lb_bytes_total{member="m0",direction="upstream"}',
        'etcd_lb_bytes_total{member="m0",direction="downstream"}',
        'etcd_lb_dials_total{member="m0",result="success",reason=""}',
        'etcd_lb_dial_duration_seconds_count{member="m0"}',
        'etcd_lb_session_duration_seconds_count{member="m0"}',
        'etcd_lb_session_duration_seconds_sum{member="m0"}',
      ),
    ).toEqual([1, 0, 3, 1029, 2058, 3, 3, 2, 3]);
    open.destroy();
  });

  test('dials that failed, by reason, and the failover that followed', async () => {
    const down = refusing('m0'); // for the metrics it is m0
    const dialling = new DataPath({
      policy: inOrder,
      snapshot: () => ({ routable: [down, m1], all: [down, m1], evicted: new Set() }),
      settings: dataPathSettings({ maxConnections: 1 }),
      lookup,
      connect: net.connect,
      isSelf: () => false,
      copy: copyThroughSharedBuffer,
      observer: {
        attempted: (member, attempt) => metrics.attempted(member, attempt),
        opened: () => {},
        ended: () => {},
        rejected: () => {},
      },
    });
    listener.removeAllListeners('connection').on('connection', (socket) => dialling.accept(socket));
    const first = await connect();
    first.write('x');
    await once(first, 'data');
    const { port } = listener.address() as AddressInfo;
    await new Promise((resolve) => net.connect(port, '127.0.0.1').resume().on('error', resolve));
    first.destroy();
    await dialling.idle();
    expect(
      await valuesOf(
        'etcd_lb_dials_total{member="m0",result="failed",reason="refused"}',
        'etcd_lb_dials_total{member="m1",result="success",reason=""}',
        'etcd_lb_dial_duration_seconds_count{member="m1"}',
      ),
    ).toEqual([1, 1, 1]);
    const { totals } = dialling;
    expect([totals.failovers, totals.rejectedFor('limit').clients]).toEqual([1, 1]);
  });

  test('failovers and clients turned away, and how many there may be', async () => {
    const names = [
      ...['etcd_lb_failovers_total', 'etcd_lb_rejected_clients_total{reason="limit"}'],
      ...['etcd_lb_rejected_clients_total{reason="silent"}', 'etcd_lb_max_connections'],
    ];
    expect(await valuesOf(...names)).toEqual([0, 0, 0, proxy.maxConnections]);
    proxy.totals.failOver();
    proxy.reject('limit');
    proxy.reject('limit');
    expect(await valuesOf(...names)).toEqual([1, 2, 0, proxy.maxConnections]);
  });

  test('whether the last reload was applied, and the last that was', async () => {
    const names = [
      ...['etcd_lb_last_reload_successful', 'etcd_lb_last_reload_success_timestamp_seconds'],
    ];
    expect(await valuesOf(...names)).toEqual([1, 1.5]);
    reload = { ...reload, last: { at: 2_500, result: { kind: 'refused', why: 'No.' } } };
    expect(await valuesOf(...names)).toEqual([0, 1.5]);
    const result = { kind: 'applied', changed: [], waiting: [] } as const;
    reload = { succeededAt: 3_500, last: { at: 3_500, result } };
    expect(await valuesOf(...names)).toEqual([1, 3.5]);
  });

  test('verdicts, panic and evictions', async () => {
    const fail = { kind: 'check-failed', failure, conclusive: false, startedAt: 0 } as const;
    monitor.table.observe(m0, { kind: 'check-passed' }, 1);
    monitor.table.observe(m1, fail, 1);
    const names = [
      'etcd_lb_panic',
      'etcd_lb_member_up{member="m0"}',
      'etcd_lb_member_up{member="m1"}',
      'etcd_lb_member_state{member="m0",state="healthy"}',
      'etcd_lb_member_state{member="m0",state="unknown"}',
      'etcd_lb_member_state{member="m1",state="failed"}',
    ];
    expect(await valuesOf(...names)).toEqual([0, 1, 0, 1, 0, 1]);
    monitor.table.observe(m0, fail, 2);
    expect(await valuesOf(...names)).toEqual([1, 0, 0, 0, 0, 1]);
    const { health } = m1;
    const moved = { member: 'm1', sessions: 1, health, others: ['m0'], mode: 'normal' } as const;
    metrics.hear({ kind: 'sessions-evicted', ...moved });
    expect(
      await valuesOf(
        'etcd_lb_evictions_total{member="m1"}',
        'etcd_lb_member_state_changes_total{member="m0",state="healthy"}',
        'etcd_lb_member_state_changes_total{member="m0",state="failed"}',
      ),
    ).toEqual([1, 1, 1]);
  });
});

test('totals never decrease, also while sessions come and go and scrapes overlap', async () => {
  let before = await scrape();
  const compare = async (): Promise<void> => {
    const [now] = await Promise.all([scrape(), metrics.render()]);
    for (const [name, value] of before) {
      if (/_total|_bucket|_count|_sum/.test(name) && name.startsWith('etcd_lb_')) {
        expect([name, (now.get(name) ?? -1) >= value]).toEqual([name, true]);
      }
    }
    before = now;
  };
  const open: Socket[] = [];
  for (let round = 0; round < 10; round += 1) {
    const socket = await connect();
    socket.write('x'.repeat(100));
    await once(socket, 'data');
    open.push(socket);
    await compare();
    if (round % 2 === 1) open.shift()?.resetAndDestroy();
    if (round === 6) proxy.drainer.close(proxy.sessions.openOn(m0), 'evicted');
    await compare();
  }
  for (const socket of open) socket.destroy();
  await proxy.idle();
  await compare();
  expect(before.get('etcd_lb_sessions_opened_total{member="m0"}')).toBe(10);
  expect(before.get('etcd_lb_bytes_total{member="m0",direction="upstream"}')).toBe(1000);
  const closed = [...before].filter(([name]) =>
    name.startsWith('etcd_lb_sessions_closed_total{member="m0"'),
  );
  expect(closed.reduce((sum, [, value]) => sum + value, 0)).toBe(10);
});

test('a member that has left is there until its last session has ended, and then no more', async () => {
  metrics.checked(m1, { ok: true, duration: 1 });
  metrics.attempted(m1, { result: 'connected', duration: 1 });
  metrics.sessionEnded(m1, 1);
  const own = async (): Promise<string[]> =>
    [...(await scrape()).keys()].filter((name) => name.includes('member="m1"'));
  const whole = (await own()).length;
  there = [m0];
  leaving = [m1];
  m1.leave();
  const less = await own();
  expect(less).toContain('etcd_lb_sessions{member="m1"}');
  expect(less).not.toContain('etcd_lb_member_up{member="m1"}');
  expect(less.length).toBeLessThan(whole);
  leaving = [];
  await metrics.left('m1');
  expect(await own()).toEqual([]);
  there = [m0, m1];
  const { name: member, endpoint, address } = m1;
  metrics.hear({ kind: 'member-joined', member, endpoint, address, isLearner: false });
  expect(await own()).toContain('etcd_lb_evictions_total{member="m1"}');
});

test('a member whose name needs escaping does not break the page', async () => {
  const odd = memberAt(1, 'a"b\\c');
  const oddly = new Metrics();
  oddly.readFrom({
    name: 'cp1',
    version: '1',
    members: () => [odd],
    leaving: () => [],
    certificates: () => ({ members: {} }),
    monitor,
    cluster,
    hold: () => hold,
    reload: () => reload,
    snapshots: () => undefined,
    lostLogLines: () => 0,
    proxy,
  });
  const page = await oddly.render();
  expect(page.text).toContain('etcd_lb_evictions_total{member="a\\"b\\\\c"} 0');
});

describe('holds', () => {
  const why = 'm0, the leader, cut a connection';
  const m0Lost = { leader: 'm0', cause: 'gone', why, since: 1 } as const;

  test('every cause and end that can be together is there from the start, at 0', async () => {
    const series = [...(await scrape())].filter(([name]) => name.startsWith('etcd_lb_holds_total'));
    const of = (cause: string, ...ends: string[]) =>
      ends.map((end) => [`etcd_lb_holds_total{cause="${cause}",end="${end}"}`, 0]);
    expect(series).toEqual([
      ...of('gone', 'confirmed', 'elected', 'expired', 'cancelled'),
      ...of('unresponsive', 'confirmed', 'elected', 'expired', 'cancelled'),
      ...of('planned', 'elected', 'expired', 'cancelled'),
    ]);
  });

  test('one that lasts is told, and one that is over is counted', async () => {
    expect(await valuesOf('etcd_lb_holding')).toEqual([0]);
    hold = { ...hold, current: m0Lost };
    expect(await valuesOf('etcd_lb_holding')).toEqual([1]);
    hold = { ...hold, current: undefined };
    const end = { end: 'elected', successor: 'm1', duration: 1_250 } as const;
    metrics.hear({ kind: 'hold-ended', ...m0Lost, ...end });
    const bucket = (le: string) => `etcd_lb_hold_duration_seconds_bucket{le="${le}"}`;
    expect(
      await valuesOf(
        ...['etcd_lb_holding', 'etcd_lb_holds_total{cause="gone",end="elected"}'],
        ...[bucket('1'), bucket('2'), 'etcd_lb_hold_duration_seconds_sum'],
      ),
    ).toEqual([0, 1, 0, 1, 1.25]);
  });
});

describe('what members say of themselves', () => {
  test('has no figures before anybody has said anything', async () => {
    const { text } = await metrics.render();
    expect(text).toContain('etcd_lb_member_known{member="m0"} 0');
    expect(text).toContain('etcd_lb_member_leader{member="m0"} 0');
    expect(text).not.toMatch(/^etcd_lb_cluster_(voters|quorum|has_leader)/m);
    expect(text).not.toMatch(/^etcd_lb_member_(info|learner|raft_term|db_)/m);
  });

  test('is shown for each and for the cluster', async () => {
    const alarms = [{ kind: 'NOSPACE', memberId: 'b' }];
    for (const member of there) monitor.table.observe(member, { kind: 'check-passed' }, 1);
    const other = { ...someFacts, memberId: 'b', dbSize: 40_960, dbQuota: 2e9, alarms };
    cluster.observe(m0, { kind: 'known', status: someFacts }, 1);
    cluster.observe(m1, { kind: 'known', status: other }, 2);
    const { text } = await metrics.render();
    for (const line of [
      'etcd_lb_member_known{member="m1"} 1',
      'etcd_lb_member_info{member="m0",id="a",cluster="c1",version="3.5.16"} 1',
      'etcd_lb_member_leader{member="m0"} 1',
      'etcd_lb_member_leader{member="m1"} 0',
      'etcd_lb_member_learner{member="m1"} 0',
      'etcd_lb_member_raft_term{member="m0"} 2',
      'etcd_lb_member_applied_index{member="m0"} 100',
      'etcd_lb_member_db_size_bytes{member="m1"} 40960',
      'etcd_lb_member_db_in_use_bytes{member="m1"} 16384',
      'etcd_lb_member_db_quota_bytes{member="m1"} 2000000000',
      'etcd_lb_cluster_voters 3',
      'etcd_lb_cluster_quorum 2',
      'etcd_lb_cluster_healthy_voters 2',
      'etcd_lb_cluster_unseen_voters 1',
      'etcd_lb_cluster_fault_tolerance 0',
      'etcd_lb_cluster_has_leader 1',
      'etcd_lb_cluster_disagreeing_members 0',
      'etcd_lb_cluster_versions 1',
      'etcd_lb_cluster_leader_changes_total 0',
      'etcd_lb_cluster_alarm{alarm="NOSPACE",member="m1"} 1',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    // What is not known has no series.
    expect(text).not.toContain('etcd_lb_member_db_quota_bytes{member="m0"}');
  });

  test('a member that falls silent keeps its last figures, and is told apart', async () => {
    cluster.observe(m0, { kind: 'known', status: someFacts }, 1);
    cluster.observe(m0, { kind: 'unknown', why: 'gone' }, 2);
    const { text } = await metrics.render();
    expect(text).toContain('etcd_lb_member_known{member="m0"} 0\n');
    expect(text).toContain('etcd_lb_member_raft_term{member="m0"} 2\n');
  });

  test('why a member is not used is shown', async () => {
    monitor.table.setEligibility(m1, {
      reason: 'learner',
      detail: 'it is a learner',
      isExcluded: true,
    });
    const { text } = await metrics.render();
    expect(text).toContain('etcd_lb_member_unfit{member="m1",reason="learner"} 1\n');
    expect(text).toContain('etcd_lb_member_unfit{member="m1",reason="lagging"} 0\n');
    expect(text).toContain('etcd_lb_member_up{member="m1"} 0\n');
  });
});
