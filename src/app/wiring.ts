/**
 * Who is wired to whom: the one page that knows all rooms.
 *
 *   members ──► health ──► member table ──► snapshot ──► traffic ──► sessions ──► drainer
 *      ▲          ▲  ▲                                      │            │
 *      │          │  └──────── dials, ended sessions ───────┘            └──► passive checks
 *      └── cluster view ◄── status poller        leader guard ──► hold of all sessions
 *
 * The rooms are made from the bottom up, and each is given only rooms made before it. A room emits its events;
 * `connect` lists who listens, in the order of the calls.
 */
import { isDeepStrictEqual } from 'node:util';
import { Operations } from '../admin/operations.ts';
import { Pausing } from '../admin/pausing.ts';
import { SlowStart } from '../balancing/slow-start.ts';
import { expiriesOf } from '../certificates/expiry.ts';
import { CertificateReloader } from '../certificates/reloader.ts';
import { LiveSettings } from '../config/live-settings.ts';
import type { Loaded } from '../config/load.ts';
import { Cluster } from '../etcd/cluster.ts';
import { withQuota } from '../etcd/db-quota.ts';
import { KnownCluster } from '../etcd/known-cluster.ts';
import { StatusPoller } from '../etcd/status-poller.ts';
import { Monitor } from '../health/monitor.ts';
import { PassiveHealthChecks } from '../health/passive.ts';
import { LeaderGuard } from '../leader/guard.ts';
import { LeaderMover } from '../leader/move.ts';
import { DnsCache } from '../lib/net/dns-cache.ts';
import { EventLoopStalls } from '../lib/time/event-loop-stall.ts';
import { Drains } from '../members/drains.ts';
import type { Member } from '../members/member.ts';
import { SavedPause } from '../members/saved-pause.ts';
import type { Event } from '../observe/events/event.ts';
import type { EventLog } from '../observe/events/event-log.ts';
import type { Log } from '../observe/log/log.ts';
import { Metrics } from '../observe/metrics/metrics.ts';
import type { DataPath } from '../proxy/data-path.ts';
import { OwnAddresses } from '../proxy/listen/own-addresses.ts';
import { MemberDrains } from '../proxy/sessions/member-drains.ts';
import { Housekeeping } from './housekeeping/housekeeping.ts';
import { MemberLifecycle } from './members/lifecycle.ts';
import { Membership } from './members/membership.ts';
import { Reload } from './reload/reload.ts';
import { emptiesPool } from './reload/trial.ts';
import { ScheduledSnapshots } from './snapshots/scheduled-snapshots.ts';
import { reportTraffic } from './traffic/report.ts';
import { Traffic } from './traffic/traffic.ts';

export interface WiringOptions {
  /** What to start with. */
  readonly loaded: Loaded;
  /** Reads the settings again, for a reload. Throws `ConfigError`. */
  readonly load: () => Loaded;
  readonly version: string;
  readonly log: Log;
  /** Where all events are recorded. */
  readonly events: EventLog;
}

/** Makes all rooms and connects them; nothing is opened, polled or accepted yet. Throws `SettingError`. */
export function wire(options: WiringOptions): Rooms {
  const base = makeBase(options);
  const control = makeControl(base);
  const data = makeData(base, control);
  const rooms = { ...base, ...control, ...data, ...makeAdmin(options, base, control, data) };
  connect(rooms);
  return rooms;
}

/** What all rooms use. */
function makeBase({ loaded, log, events }: WiringOptions) {
  const { record } = events;
  const settings = new LiveSettings(loaded.settings);
  const metrics = new Metrics();
  events.subscribe((recorded) => log.write(recorded));
  events.subscribe((_recorded, event) => metrics.hear(event));
  log.onTrouble(record);
  const certificates = new CertificateReloader({
    settings: loaded.settings,
    onApplied: (applied) =>
      record({ kind: 'certificates-renewed', expiries: expiriesOf(applied, Date.now()) }),
    onRefused: ({ setting, message: why }) =>
      record({ kind: 'certificates-refused', setting, why }),
  });
  const own = new OwnAddresses(loaded.settings.listen);
  const { lookup } = new DnsCache(record);
  /** Everything for connections to members. */
  const network = { lookup, tls: () => certificates.members, isSelf: own.isSelf };
  return { settings, events, record, log, metrics, certificates, own, network };
}

type Base = ReturnType<typeof makeBase>;

/** Control: the members, and which of them may get connections. */
function makeControl({ settings, record, metrics, network }: Base) {
  const drains = new Drains(settings.current.stateDir);
  for (const event of drainsFound(drains)) record(event);
  const knownCluster = new KnownCluster(settings.current.stateDir, record);
  const membership = new Membership({ settings, tls: network.tls, record, known: knownCluster });
  const members = (): readonly Member[] => membership.members;
  const stalls = new EventLoopStalls();
  const passive = new PassiveHealthChecks(members, settings);
  const monitor = new Monitor({
    ...{ ...network, settings, members: members() },
    hasStalled: (start) => stalls.since(start),
    isUnresponsive: (member, bound) => passive.isUnresponsive(member, performance.now(), bound),
  });
  const { table } = monitor;
  const cluster = new Cluster({
    ...{ settings, members, known: knownCluster },
    onEligibility: (member, ineligibility) => table.setEligibility(member, ineligibility),
    onChange: record,
  });
  const poller = new StatusPoller({
    ...{ settings, members, isSettled: () => cluster.isSettled },
    open: (member) =>
      withQuota(membership.clientOf(member), () => ({
        ...{ url: member.checkUrl, tls: network.tls(), lookup: member.lookup ?? network.lookup },
      })),
    onResult: (member, result) => {
      metrics.polled(member, result);
      cluster.observe(member, result, Date.now());
      membership.consider();
    },
  });
  const slowStart = new SlowStart(members, settings);
  return {
    ...{ drains, knownCluster, membership, members, stalls, passive },
    ...{ monitor, table, cluster, poller, slowStart },
  };
}

type Control = ReturnType<typeof makeControl>;

/** Data: connections, and sessions that must leave or wait. */
function makeData(
  { settings, record, metrics, certificates, own, network }: Base,
  control: Control,
) {
  const { membership, members, monitor, cluster, poller, table } = control;
  const traffic = new Traffic({ settings, certificates, table, own, lookup: network.lookup });
  const { path: dataPath } = traffic;
  const { sessions, drainer } = dataPath;
  const memberDrains = new MemberDrains(sessions, drainer);
  const savedPause = new SavedPause(settings.current.stateDir);
  resumePause(savedPause, dataPath, record);
  const guard = new LeaderGuard({
    ...{ ...network, settings, members, cluster },
    open: (member) => membership.questionsTo(member),
    quietFor: () => sessions.quietFor(performance.now()),
    onBegin: (hold) => {
      sessions.hold(); // first: what is relayed before it is lost
      record({ kind: 'hold-began', ...hold });
    },
    onEnd: (hold) => {
      sessions.release();
      record({ kind: 'hold-ended', ...hold });
      poller.pollAllNow();
    },
    onUnresponsive: (member) => monitor.unresponsive(member),
  });
  const { stalls, passive, slowStart } = control;
  const housekeeping = new Housekeeping({
    ...{ settings, members, monitor, stalls, passive, slowStart, dataPath, metrics, record },
  });
  return { traffic, dataPath, savedPause, sessions, drainer, memberDrains, guard, housekeeping };
}

type Data = ReturnType<typeof makeData>;

/** Admin operations, and what they need. */
function makeAdmin(
  { loaded, load, version }: WiringOptions,
  { settings, record, log, metrics, certificates, network }: Base,
  control: Control,
  { dataPath, savedPause, sessions, drainer, memberDrains, guard, housekeeping }: Data,
) {
  const { drains, knownCluster, membership, members, monitor, cluster, poller, slowStart } =
    control;
  const lifecycle = new MemberLifecycle({
    ...{ settings, membership, monitor, poller, slowStart, drains, memberDrains, metrics, record },
  });
  const mover = new LeaderMover({
    ...{ guard, sessions },
    clientOf: (member) => membership.clientOf(member),
  });
  const operations = new Operations({
    ...{ settings, members, monitor, cluster, sessions, drains, drainer, memberDrains },
    ...{ guard, mover, slowStart, log, record },
    balance: (now) => housekeeping.balance(now),
  });
  const pausing = new Pausing({
    ...{ settings, members, dataPath, savedPause, cluster, knownCluster, poller, record },
  });
  const reload = new Reload({
    ...{ started: loaded, load, apply: (next) => settings.replace(next) },
    trial: (next) => emptiesPool(next, { ...network, settings, monitor, membership, drains }),
    onResult: (result) => {
      if (result.kind === 'applied') record({ ...result, kind: 'reloaded' });
      else record({ ...result, kind: 'reload-refused' });
    },
  });
  const snapshots = new ScheduledSnapshots({
    ...{ settings, members, record },
    clientOf: (member) => membership.clientOf(member),
  });
  metrics.readFrom({
    ...{ name: settings.current.name, version, members, monitor, cluster, proxy: dataPath },
    leaving: () => memberDrains.leaving,
    certificates: () => certificates.certificates,
    hold: () => guard.view,
    reload: () => reload.history,
    snapshots: () => snapshots.view,
    lostLogLines: () => log.lost(),
  });
  return { lifecycle, operations, pausing, reload, snapshots };
}

type Admin = ReturnType<typeof makeAdmin>;

export type Rooms = Base & Control & Data & Admin;

/** Who listens to what. */
function connect(rooms: Rooms): void {
  const { settings, record, metrics, log, certificates, membership, monitor, table, poller } =
    rooms;
  const { traffic, dataPath, sessions, memberDrains, passive, guard, lifecycle, cluster } = rooms;

  membership.on('join', (member) => lifecycle.joined(member));
  membership.on('revise', (revised) => lifecycle.revised(revised));
  membership.on('leave', (member) => lifecycle.left(member));
  memberDrains.on('drained', (member, drained) => lifecycle.drained(member, drained));

  monitor.on('check', (member, result) => {
    if (!result.ok && result.failure.reason === 'refused') guard.refused(member);
    metrics.checked(member, result);
  });
  monitor.on('change', (change) => lifecycle.changed(change));

  cluster.on('replaced', (isReplaced) => dataPath.pause.setOtherCluster(isReplaced));

  traffic.on('attempted', (member, attempt) => {
    if (attempt.result !== 'failed') return;
    // First, so that nothing more is sent where it would be lost.
    if (attempt.failure.reason === 'refused') guard.refused(member);
    monitor.dialFailed(member, attempt.failure);
  });
  traffic.on('ended', ({ member }, reason) => {
    if (reason !== 'member-reset' && reason !== 'member-closed') return;
    guard.sessionCut(member);
    monitor.checkNow(member);
  });
  sessions.onEnd((session) => passive.forget(session));
  reportTraffic(traffic, metrics, log, record);

  settings.onChange((next, before) => {
    log.level = next.logLevel;
    certificates.configure(next);
    for (const member of membership.configure()) monitor.rewatch(member);
    table.refresh();
    const mustRestart =
      next.inspectInterval !== before.inspectInterval ||
      !isDeepStrictEqual(next.etcdUser, before.etcdUser);
    if (mustRestart) poller.restart();
  });
}

/** A pause that an earlier run was asked for goes on before anybody is accepted. */
function resumePause(saved: SavedPause, { pause }: DataPath, record: (event: Event) => void): void {
  const loaded = saved.load();
  if (loaded.kind === 'unusable') {
    record({ kind: 'pause-unusable', file: saved.file ?? '', why: loaded.why });
  }
  if (loaded.kind !== 'content') return;
  pause.begin(loaded.content, 0);
  record({ kind: 'pause-restored', ...loaded.content });
}

/** The saved drains of an earlier run, as events. */
function* drainsFound(drains: Drains) {
  const { drains: found, unusable } = drains.load();
  const [first] = unusable;
  if (first !== undefined) {
    yield { kind: 'drains-unusable', ...first, files: unusable.length } as const;
  }
  if (found.length > 0) yield { kind: 'drains-restored', drains: found } as const;
}
