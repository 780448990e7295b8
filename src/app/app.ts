/**
 * Wires the rooms together; the only file that knows them all.
 *
 *   membership ──► monitor ──► member table ──► snapshot ──► traffic (dial, sessions)
 *        ▲            ▲              │                         │
 *        │            └─ dial failed ┼─────────────────────────┘
 *   poller ──► cluster            └──► member changes ──► evictions, events ──► log, metrics, status
 *
 *   consoles ──► orders ──► drains, drainer, rebalancer           SIGHUP ──► reload ──► all of them
 */
import { setImmediate as afterPoll } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Operations } from '../admin/operations.ts';
import { exposedSecrets } from '../certificates/certificates.ts';
import { expiriesOf } from '../certificates/expiry.ts';
import { CertificateReloader } from '../certificates/reloader.ts';
import { LiveSettings } from '../config/live-settings.ts';
import type { Loaded } from '../config/load.ts';
import { formatListenAddress, type ListenAddress } from '../config/values/listen.ts';
import { Cluster } from '../etcd/cluster.ts';
import { StatusPoller } from '../etcd/status-poller.ts';
import { Monitor } from '../health/monitor.ts';
import { LeaderGuard } from '../leader/guard.ts';
import { LeaderMover } from '../leader/move.ts';
import { DnsCache } from '../lib/net/dns-cache.ts';
import { startTicker } from '../lib/ticker.ts';
import { surviveErrors } from '../lib/unexpected.ts';
import { Drains } from '../members/drains.ts';
import type { Member } from '../members/member.ts';
import { CheckHistory } from '../observe/check-history.ts';
import { EventLog } from '../observe/events/event-log.ts';
import type { ReloadResult } from '../observe/events/operator-events.ts';
import type { Log } from '../observe/log/log.ts';
import { Metrics } from '../observe/metrics/metrics.ts';
import { type Status, type StatusSources, takeStatus } from '../observe/status.ts';
import { MemberDrains } from '../proxy/sessions/member-drains.ts';
import { type Inherited, noneInherited } from '../systemd/inherited.ts';
import { Housekeeping } from './housekeeping.ts';
import { agree, refuseExposure } from './inherited-addresses.ts';
import { ManagementServers } from './management-servers.ts';
import { MemberLifecycle } from './member-lifecycle.ts';
import { Membership } from './membership.ts';
import { Reload } from './reload.ts';
import { emptiesPool } from './reload-trial.ts';
import { Traffic } from './traffic.ts';

/** A running balancer. */
export interface App {
  /** The addresses in use; a port of 0 has become the one that was given. */
  readonly listen: readonly ListenAddress[];
  /** Port of the observe listener; `undefined` when it is off, a Unix socket, or another process's still. */
  readonly observePort: number | undefined;
  status(): Status;
  /** Reads the settings again and puts in force what has changed, or nothing; says so in the log. */
  reload(): Promise<ReloadResult>;
  /**
   * Stops accepting, waits for sessions up to `drainTimeout`, then closes the rest. Resolves with
   * the number of sessions that had to be closed. A second call changes nothing.
   */
  stop(): Promise<number>;
  /** Ends the wait of `stop`: what is open is closed now. */
  stopNow(): void;
  /** Counts and tells errors that nobody has handled, until it is disposed of: they do not end the process. */
  surviveErrors(): Disposable;
}

export interface AppOptions {
  /** What to start with. */
  readonly loaded: Loaded;
  /** Reads the settings again, for a reload. Throws `ConfigError`. */
  readonly load: () => Loaded;
  readonly version: string;
  readonly log: Log;
  /** Where whatever happens is recorded; the log is told of it from the start on. */
  readonly events?: EventLog;
  /** To listen there in place of the addresses of the settings.current. */
  readonly inherited?: Inherited;
}

/**
 * Starts a balancer. Does not wait for etcd: it accepts at once and `/readyz` tells. Throws
 * `Refusal` when an address cannot be opened, `ConfigError` when an inherited socket cannot be used,
 * with nothing left open.
 */
export async function startApp(options: AppOptions): Promise<App> {
  const { loaded, load, version, log, inherited = noneInherited } = options;
  const { events = new EventLog() } = options;
  const settings = new LiveSettings(loaded.settings);
  const startedAt = new Date();
  const stopping = new AbortController();
  const checking = new AbortController();
  const { record } = events;
  const metrics = new Metrics();
  events.subscribe((recorded) => log.write(recorded));
  events.subscribe((_recorded, event) => metrics.hear(event));
  const drains = new Drains(settings.current.stateDir);
  const found = drains.load();
  const [unusable] = found.unusable;
  const files = found.unusable.length;
  if (unusable !== undefined) record({ kind: 'drains-unusable', ...unusable, files });
  if (found.drains.length > 0) record({ kind: 'drains-restored', drains: found.drains });
  const renewal = new CertificateReloader({
    settings: settings.current,
    onApplied: (certificates) =>
      record({ kind: 'certificates-renewed', expiries: expiriesOf(certificates, Date.now()) }),
    onRefused: ({ setting, message: why }) =>
      record({ kind: 'certificates-refused', setting, why }),
  });

  // Control: who may get connections.
  const membership = new Membership({
    settings,
    tls: () => renewal.members,
    onJoin: (member) => changes.joined(member),
    onRevise: (revised) => changes.revised(revised),
    onLeave: (member) => changes.left(member),
    record,
  });
  const members = (): readonly Member[] => membership.members;
  const names = new DnsCache(record);
  const monitor = new Monitor({
    members: membership.members,
    settings,
    lookup: names.lookup,
    tls: () => renewal.members,
    isSelf: (socket, port) => traffic.isSelf(socket, port),
    hasStalled: (start) => upkeep.stalls.since(start),
    isUnresponsive: (member, bound) => upkeep.silence.isSilent(member, performance.now(), bound),
    onCheck: (member, result) => {
      if (!result.ok && result.failure.reason === 'refused') guard.refused(member);
      metrics.checked(member, result);
    },
    onChange: (change) => changes.changed(change),
  });
  const cluster = new Cluster({
    members: members,
    settings,
    onEligibility: (member, ineligibility) => monitor.table.setEligibility(member, ineligibility),
    onChange: record,
  });
  const poller = new StatusPoller({
    members: members,
    open: (member) => membership.clientOf(member),
    settings,
    isSettled: () => cluster.isSettled,
    onResult: (member, result) => {
      metrics.polled(member, result);
      cluster.observe(member, result, Date.now());
      membership.consider();
    },
  });

  const guard = new LeaderGuard({
    ...{ settings, members, cluster },
    open: (member) => membership.questionsTo(member),
    quietFor: () => upkeep.quietFor(performance.now()),
    lookup: names.lookup,
    tls: () => renewal.members,
    isSelf: (socket, port) => traffic.isSelf(socket, port),
    onBegin: (hold) => {
      sessions.hold(); // first of all: what is passed on in the meantime is lost
      record({ kind: 'hold-began', ...hold });
    },
    onEnd: (hold) => {
      sessions.release();
      record({ kind: 'hold-ended', ...hold });
      poller.pollAllNow();
    },
    onUnresponsive: (member) => monitor.unresponsive(member),
  });

  // Data: connections, and sessions that must end.
  const traffic = new Traffic({
    ...{ renewal, monitor, guard, log, metrics, record },
    settings,
    lookup: names.lookup,
  });
  const dataPath = traffic.path;
  const { sessions, drainer } = dataPath;
  const memberDrains = new MemberDrains(sessions, drainer, (member, drained) =>
    changes.drained(member, drained),
  );

  // Observation, and what follows from what is seen.
  metrics.readFrom({
    ...{ version, members: members, monitor, cluster, proxy: dataPath },
    leaving: () => memberDrains.leaving,
    certificates: () => renewal.certificates,
    hold: () => guard.view,
    lostLogLines: () => log.lost(),
  });
  log.onTrouble(record);
  const upkeep = new Housekeeping({
    ...{ monitor, dataPath, metrics, record },
    settings,
    members: members,
  });
  const changes = new MemberLifecycle({
    ...{ membership, monitor, poller, upkeep, drains },
    ...{ memberDrains, metrics, record },
    settings,
  });

  settings.onChange((next, before) => {
    log.level = next.logLevel;
    renewal.configure(next);
    for (const member of membership.configure()) monitor.rewatch(member);
    monitor.table.refresh();
    const isAskedAnew =
      next.inspectInterval !== before.inspectInterval ||
      !isDeepStrictEqual(next.etcdUser, before.etcdUser);
    if (isAskedAnew) poller.restart();
  });
  const reload = new Reload({
    ...{ started: loaded, load, apply: (next) => settings.replace(next) },
    trial: (next) =>
      emptiesPool(next, {
        ...{ settings, monitor, membership, drains, isSelf: traffic.isSelf },
        lookup: names.lookup,
      }),
    onResult: (result) =>
      record(
        result.kind === 'applied'
          ? { ...result, kind: 'reloaded' }
          : { ...result, kind: 'reload-refused' },
      ),
  });
  const mover = new LeaderMover({
    ...{ guard, sessions },
    clientOf: (member) => membership.clientOf(member),
  });
  const orders = new Operations({
    ...{ monitor, cluster, sessions, drains, guard, mover, upkeep, log, record },
    ...{ drainer, memberDrains },
    settings,
    members: () => membership.members,
  });

  await traffic.open(inherited.clients);
  const { listen } = traffic;
  const sources: StatusSources = {
    identity: {
      ...{ version, node: process.version, pid: process.pid, startedAt: startedAt.toISOString() },
      ...{ listen: listen.map(formatListenAddress), copier: traffic.copier },
    },
    ...{ memberDrains, drains, monitor, cluster, hold: () => guard.view, proxy: dataPath },
    policy: () => settings.current.balance,
    members: () => membership.members,
    events: () => events.recent,
    stopping: () => stopping.signal.aborted,
  };
  const isActivated = inherited.clients.length > 0;
  let consoles: ManagementServers;
  try {
    if (isActivated) refuseExposure(settings.current, listen);
    consoles = await ManagementServers.open({
      ...{ inherited, sources, events, metrics, orders, record },
      checks: new CheckHistory(members),
      settings: settings.current,
      isShared: settings.current.reusePort || isActivated,
      reload: (force) => reload.run(force),
    });
  } catch (error) {
    traffic.stopAccepting();
    dataPath.close();
    throw error;
  }

  for (const member of membership.members) changes.holdDrain(member);
  monitor.start(checking.signal);
  poller.start(checking.signal);
  guard.start(checking.signal);
  membership.start(checking.signal);
  void renewal.start(checking.signal);
  drains.follow((changed) => orders.followDrains(changed), checking.signal);
  if (settings.current.watchConfig)
    void reload.watch(settings.current.configFile ?? '', checking.signal);
  startTicker((beat) => upkeep.beat(beat), checking.signal);
  record({
    kind: 'started',
    ...{ version, listen: sources.identity.listen },
    endpoints: membership.members.map(({ endpoint }) => endpoint),
    observePort: consoles.observePort,
  });
  if (isActivated && !agree(listen, settings.current.listen)) {
    record({
      kind: 'listen-ignored',
      inherited: sources.identity.listen,
      listen: settings.current.listen.map(formatListenAddress),
    });
  }
  for (const secret of exposedSecrets(settings.current)) record({ kind: 'key-exposed', ...secret });

  const giveUpWaiting = Promise.withResolvers<void>();
  let stopped: Promise<number> | undefined;
  const stop = async (): Promise<number> => {
    stopping.abort();
    // Right after the sockets were looked at: what the kernel has queued for us by then is accepted.
    await afterPoll();
    traffic.stopAccepting();
    consoles.yield();
    const { drainTimeout } = settings.current;
    record({ kind: 'stopping', sessions: sessions.count, drainTimeout });
    memberDrains.drainAll(drainTimeout);
    const timer = setTimeout(() => giveUpWaiting.resolve(), drainTimeout);
    await Promise.race([dataPath.idle(), giveUpWaiting.promise]);
    clearTimeout(timer);
    memberDrains.stop();
    const cut = dataPath.close();
    await dataPath.idle();
    checking.abort();
    consoles.close();
    record({ kind: 'stopped', cut });
    return cut;
  };
  return {
    listen,
    get observePort() {
      return consoles.observePort;
    },
    status: () => takeStatus(sources),
    reload: () => reload.run(),
    stop: () => (stopped ??= stop()),
    stopNow: () => giveUpWaiting.resolve(),
    surviveErrors: () =>
      surviveErrors(
        () => metrics.failed(),
        ({ name, message, stack }) => record({ kind: 'unexpected-error', name, message, stack }),
      ),
  };
}
