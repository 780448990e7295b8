/**
 * Wires the rooms together; the only file that knows them all.
 *
 *   membership ──► monitor ──► member table ──► snapshot ──► traffic (dial, sessions)
 *        ▲            ▲              │                         │
 *        │            └─ dial failed ┼─────────────────────────┘
 *   inspector ──► cluster            └──► member changes ──► drainer, events ──► log, metrics, status
 *
 *   consoles ──► orders ──► drains, drainer, rebalancer           SIGHUP ──► reload ──► all of them
 */
import { setImmediate as afterPoll } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Operations } from '../admin/operations.ts';
import { smoothed } from '../balancing/latency.ts';
import { exposedSecrets } from '../certificates/certificates.ts';
import { expiriesOf } from '../certificates/expiry.ts';
import { CertificateReloader } from '../certificates/reloader.ts';
import { LiveSettings } from '../config/live-settings.ts';
import type { Loaded } from '../config/load.ts';
import { formatListenAddress, type ListenAddress } from '../config/values/listen.ts';
import { Cluster } from '../etcd/cluster.ts';
import { StatusPoller } from '../etcd/status-poller.ts';
import { acceptsNew } from '../health/health.ts';
import { liveChecks } from '../health/live-checks.ts';
import { Monitor } from '../health/monitor.ts';
import { LeaderGuard } from '../leader/guard.ts';
import { LeaderMover } from '../leader/move.ts';
import { DnsCache } from '../lib/net/dns-cache.ts';
import { startTicker } from '../lib/ticker.ts';
import { surviveErrors } from '../lib/unexpected.ts';
import { Drains } from '../members/drains.ts';
import type { Member } from '../members/member.ts';
import { CheckHistory } from '../observe/check-history.ts';
import { clusterChanged } from '../observe/events/cluster-events.ts';
import { namesChanged } from '../observe/events/discovery-events.ts';
import { type EventBody, EventLog } from '../observe/events/event-log.ts';
import { holdBegan, holdEnded } from '../observe/events/hold-events.ts';
import { drainsFound, type ReloadResult, reloaded } from '../observe/events/operator-events.ts';
import { logTroubled, unexpectedError } from '../observe/events/process-events.ts';
import {
  listenIgnored,
  started,
  stopped as stoppedEvent,
  stopping as stoppingEvent,
} from '../observe/events/service-events.ts';
import {
  certificatesRefused,
  certificatesRenewed,
  secretExposed,
} from '../observe/events/tls-events.ts';
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
  const settings = new LiveSettings(loaded.settings);
  const startedAt = new Date();
  const stopping = new AbortController();
  const checking = new AbortController();
  const events = new EventLog((event) => log.write(event));
  const record = (body: EventBody): void => events.record(body);
  const checks = new CheckHistory();
  const drains = new Drains(settings.current.stateDir);
  for (const event of drainsFound(drains.load())) record(event);
  const renewal = new CertificateReloader({
    settings: settings.current,
    onApplied: (certificates) => {
      metrics.renewed('applied');
      record(certificatesRenewed(expiriesOf(certificates, Date.now())));
    },
    onRefused: (refusal) => {
      metrics.renewed('refused');
      record(certificatesRefused(refusal));
    },
  });

  // Control: who may get connections.
  const membership = new Membership({
    settings,
    tls: () => renewal.members,
    cluster: () => cluster,
    isHealthy: (member) => acceptsNew(monitor.table.health(member)),
    onJoin: (member) => changes.joined(member),
    onRevise: (revised) => changes.revised(revised),
    onLeave: (member) => changes.left(member),
    record,
  });
  const members = (): readonly Member[] => membership.members;
  const names = new DnsCache((change) => record(namesChanged(change)));
  const monitor = new Monitor({
    members: membership.members,
    ...liveChecks(settings),
    lookup: names.lookup,
    tls: () => renewal.members,
    isSelf: (socket, port) => traffic.isSelf(socket, port),
    wasStarved: (start) => upkeep.starvation.since(start),
    isSilent: (member, bound) => upkeep.silence.isSilent(member, performance.now(), bound),
    onCheck: (member, result) => {
      if (!result.ok && result.failure.reason === 'refused') guard.refused(member);
      metrics.checked(member, result);
      checks.note(member.name, Date.now(), result);
    },
    onChange: (change) => changes.changed(change),
  });
  const cluster = new Cluster({
    members: members,
    isHealthy: (member) => acceptsNew(monitor.table.health(member)),
    get maxLag() {
      return settings.current.maxLag;
    },
    onStanding: (member, unfit, leads) => {
      member.leads = leads;
      monitor.table.judge(member, unfit);
    },
    onChange: (change) => record(clusterChanged(change)),
  });
  const inspector = new StatusPoller({
    members: members,
    open: (member) => membership.clientOf(member),
    get interval() {
      return settings.current.inspectInterval;
    },
    isSettled: () => cluster.isSettled,
    onInspection: (member, inspection) => {
      metrics.inspected(member, inspection);
      if (inspection.kind === 'known') {
        member.latency = smoothed(member.latency, inspection.facts.duration);
      }
      cluster.observe(member, inspection, Date.now());
      membership.consider();
    },
  });

  const guard = new LeaderGuard({
    // Without questions to members nobody knows who leads.
    limit: () => (settings.current.inspectInterval === 0 ? 0 : settings.current.hold),
    members: () => membership.members,
    open: (member) => membership.questionsTo(member),
    clusterId: () => cluster.view.clusterId,
    voters: () => cluster.view.voters.length,
    quietFor: () => upkeep.quietFor(performance.now()),
    lookup: names.lookup,
    tls: () => renewal.members,
    isSelf: (socket, port) => traffic.isSelf(socket, port),
    onBegin: (hold) => {
      sessions.hold(); // first of all: what is passed on in the meantime is lost
      record(holdBegan(hold));
    },
    onEnd: (hold) => {
      sessions.release();
      record(holdEnded(hold));
      metrics.holdEnded(hold);
      inspector.pollAllNow();
    },
    onUnresponsive: (member) => monitor.unresponsive(member),
  });

  // Data: connections, and sessions that must end.
  const traffic = new Traffic({
    ...{ renewal, monitor, guard, log, record },
    settings,
    lookup: names.lookup,
    metrics: () => metrics,
  });
  const dataPath = traffic.path;
  const { sessions, drainer } = dataPath;
  const memberDrains = new MemberDrains(sessions, drainer, (member, drained) =>
    changes.drained(member, drained),
  );

  // Observation, and what follows from what is seen.
  const metrics = new Metrics({
    ...{ version, members: members, monitor, cluster, proxy: dataPath },
    leaving: () => memberDrains.leaving,
    certificates: () => renewal.certificates,
    hold: () => guard.view,
    lostLogLines: () => log.lost(),
  });
  log.onTrouble((trouble) => record(logTroubled(trouble)));
  const upkeep = new Housekeeping({
    ...{ monitor, dataPath, metrics, record },
    settings,
    members: members,
  });
  const changes = new MemberLifecycle({
    ...{ membership, monitor, cluster, guard, inspector, upkeep, drains },
    ...{ memberDrains, checks, metrics, record },
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
    if (isAskedAnew) inspector.restart();
    guard.configure();
  });
  const reload = new Reload({
    ...{ started: loaded, load, apply: (next) => settings.replace(next) },
    trial: (next) =>
      emptiesPool(next, {
        ...{ settings, monitor, membership, drains, isSelf: traffic.isSelf },
        lookup: names.lookup,
      }),
    onResult: (result) => {
      metrics.reloaded(result.kind);
      record(reloaded(result));
    },
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
      ...{ inherited, sources, events, checks, metrics, orders, record },
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
  inspector.start(checking.signal);
  guard.start(checking.signal);
  membership.start(checking.signal);
  void renewal.start(checking.signal);
  void drains.follow((changed) => orders.followDrains(changed), checking.signal);
  if (settings.current.watchConfig)
    void reload.watch(settings.current.configFile ?? '', checking.signal);
  startTicker((beat) => upkeep.beat(beat), checking.signal);
  record(started(sources.identity, membership.members, consoles.observePort));
  if (isActivated && !agree(listen, settings.current.listen)) {
    record(
      listenIgnored(sources.identity.listen, settings.current.listen.map(formatListenAddress)),
    );
  }
  for (const secret of exposedSecrets(settings.current)) record(secretExposed(secret));

  const giveUpWaiting = Promise.withResolvers<void>();
  let stopped: Promise<number> | undefined;
  const stop = async (): Promise<number> => {
    stopping.abort();
    // Right after the sockets were looked at: what the kernel has queued for us by then is accepted.
    await afterPoll();
    traffic.stopAccepting();
    consoles.yield();
    record(stoppingEvent(sessions.count, settings.current.drainTimeout));
    memberDrains.drainAll(settings.current.drainTimeout);
    const timer = setTimeout(() => giveUpWaiting.resolve(), settings.current.drainTimeout);
    await Promise.race([dataPath.idle(), giveUpWaiting.promise]);
    clearTimeout(timer);
    memberDrains.stop();
    const cut = dataPath.close();
    await dataPath.idle();
    checking.abort();
    consoles.close();
    record(stoppedEvent(cut));
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
        (error) => record(unexpectedError(error)),
      ),
  };
}
