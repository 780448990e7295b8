/**
 * Wires the rooms together; the only file that knows them all.
 *
 *   membership ──► monitor ──► member table ──► snapshot ──► data path (dial, sessions)
 *        ▲            ▲              │                         │
 *        │            └─ dial failed ┼─────────────────────────┘
 *   inspector ──► cluster            └──► evictions, events ──► log, metrics, status
 *
 *   admin socket ──► orders ──► drains, departures, rebalancer        SIGHUP ──► reload ──► all of them
 */
import net, { type Socket } from 'node:net';
import { setImmediate as afterPoll } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { AdminListener } from './admin/listener.ts';
import { Orders } from './admin/orders.ts';
import { smoothed } from './balance/latency.ts';
import { createPolicy } from './balance/policies.ts';
import type { Candidate } from './balance/snapshot.ts';
import { Cluster } from './cluster/cluster.ts';
import { Inspector } from './cluster/inspector.ts';
import { liveChecks } from './cluster/live-checks.ts';
import type { TableChange } from './cluster/member-table.ts';
import { Monitor } from './cluster/monitor.ts';
import { Names } from './cluster/names.ts';
import { learner } from './cluster/standing.ts';
import { acceptsNew, isConfirmedFailure } from './cluster/verdict.ts';
import { exposedKeys } from './config/certificates.ts';
import { expiriesOf } from './config/expiry.ts';
import { formatListenAddress, type ListenAddress } from './config/listen.ts';
import type { Loaded } from './config/load.ts';
import type { Settings } from './config/settings.ts';
import { type Member, Membership } from './membership.ts';
import { CheckHistory } from './observe/check-history.ts';
import { clusterChanged, fitnessChanged } from './observe/cluster-events.ts';
import { memberJoined, memberLeft, sessionsRemoved } from './observe/discovery-events.ts';
import {
  type EventBody,
  EventLog,
  memberChanged,
  modeChanged,
  namesChanged,
  sessionsEvicted,
  started,
  stopped as stoppedEvent,
  stopping as stoppingEvent,
} from './observe/events.ts';
import type { Log } from './observe/log.ts';
import { Metrics } from './observe/metrics.ts';
import { handshakeNotices, rejectionNotices } from './observe/notices.ts';
import { drainEnded, drainsFound, type ReloadResult, reloaded } from './observe/operator-events.ts';
import { listenIgnored } from './observe/service-events.ts';
import { type Status, type StatusSources, takeStatus } from './observe/status.ts';
import { ObserveListener } from './observe/succession.ts';
import { certificatesRefused, certificatesRenewed, keyExposed } from './observe/tls-events.ts';
import { DataPath, type DataPathObserver } from './proxy/data-path.ts';
import { type Departed, Departures } from './proxy/departures.ts';
import { Evictions } from './proxy/evictions.ts';
import { openListeners } from './proxy/listeners.ts';
import { Reception } from './proxy/reception.ts';
import { leadsToSelf } from './proxy/self.ts';
import {
  connectToSharedBuffer,
  copyBesideTls,
  copyThroughSharedBuffer,
  isSupported,
} from './proxy/shared-buffer.ts';
import { copyThroughStreams } from './proxy/streams.ts';
import { startPulse } from './pulse.ts';
import { Reload } from './reload.ts';
import { emptiesPool } from './reload-trial.ts';
import { Renewal } from './renewal.ts';
import { agree, refuseExposure } from './service/agreement.ts';
import { type Inherited, noneInherited } from './service/inherited.ts';
import { Drains } from './state/drains.ts';
import { Upkeep } from './upkeep.ts';

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
}

/** The ways to copy bytes; the first is taken where this Node allows it. */
const copiers = {
  'shared-buffer': { connect: connectToSharedBuffer, copy: copyThroughSharedBuffer },
  'shared-buffer-beside-tls': { connect: net.connect, copy: copyBesideTls },
  streams: { connect: net.connect, copy: copyThroughStreams },
};
type CopierName = keyof typeof copiers;

export interface AppOptions {
  /** What to start with. */
  readonly loaded: Loaded;
  /** Reads the settings again, for a reload. Throws `ConfigError`. */
  readonly load: () => Loaded;
  readonly version: string;
  readonly log: Log;
  /** To listen there in place of the addresses of the settings. */
  readonly inherited?: Inherited;
}

/**
 * Starts a balancer. Does not wait for etcd: it accepts at once and `/readyz` tells. Throws
 * `Refusal` when an address cannot be opened, `ConfigError` when an inherited socket cannot be used,
 * with nothing left open.
 */
export async function startApp(options: AppOptions): Promise<App> {
  const { loaded, load, version, log, inherited = noneInherited } = options;
  let { settings } = loaded;
  const inForce = (): Settings => settings;
  const startedAt = new Date();
  const stopping = new AbortController();
  const checking = new AbortController();
  const giveUpWaiting = Promise.withResolvers<void>();
  const events = new EventLog((event) => log.write(event));
  const record = (body: EventBody): void => events.record(body);
  const checks = new CheckHistory();
  const renewal = new Renewal({
    settings,
    onApplied: (certificates) => {
      metrics.renewed('applied');
      record(certificatesRenewed(expiriesOf(certificates, Date.now())));
    },
    onRefused: (refusal) => {
      metrics.renewed('refused');
      record(certificatesRefused(refusal));
    },
  });
  const drains = new Drains(settings.stateDir);
  for (const event of drainsFound(drains.load())) record(event);
  const membership = new Membership({
    settings: inForce,
    tls: () => renewal.members,
    cluster: () => cluster,
    isHealthy: (candidate) => acceptsNew(monitor.table.health(candidate)),
    onJoin: (member) => join(member),
    onLeave: (member) => leave(member),
    record,
  });
  const candidates = (): readonly Candidate[] => membership.candidates;
  let listen: readonly ListenAddress[] = settings.listen;
  const isSelf = (socket: Socket, port: number): boolean => leadsToSelf(socket, port, listen);

  const { clients } = settings.certificates;
  const names = new Names((change) => record(namesChanged(change)));
  const monitor = new Monitor({
    members: membership.members,
    ...liveChecks(inForce),
    lookup: names.lookup,
    tls: () => renewal.members,
    isSelf,
    wasStarved: (start) => upkeep.starvation.since(start),
    isSilent: (candidate, bound) => upkeep.silence.isSilent(candidate, performance.now(), bound),
    onCheck: (candidate, result) => {
      metrics.checked(candidate, result);
      checks.note(candidate.name, Date.now(), result);
    },
    onChange: (change) => react(change),
  });

  const react = (change: TableChange): void => {
    if (change.member !== undefined) {
      const { candidate, from, to } = change.member;
      record(memberChanged(change.member));
      metrics.stateChanged(candidate, to.state);
      const isBack = from.state === 'recovering' && from.from === 'failed';
      const isNew = from.state === 'unknown' && newcomers.delete(candidate);
      if (acceptsNew(to) && (isBack || isNew)) upkeep.slowStart.begin(candidate, performance.now());
      // Whoever fails or comes back, another member may lead by now.
      inspector.inspectAllNow();
    }
    if (change.fitness !== undefined) {
      record(fitnessChanged(change.fitness));
      const { candidate, unfit } = change.fitness;
      if (unfit === undefined) upkeep.slowStart.begin(candidate, performance.now());
    }
    const { snapshot, mode, entries } = monitor.table;
    if (change.mode !== undefined) {
      const drained = entries.filter((entry) => entry.drained).map(({ candidate }) => candidate);
      record(modeChanged(change.mode.from, change.mode.to, drained));
    }
    for (const [member, sessions] of evictions.set(change.evict)) {
      metrics.evicted(member);
      const health = monitor.table.health(member);
      record(sessionsEvicted(member, sessions, health, snapshot.routable, mode));
    }
  };

  /** Members that have joined since the start, until they were checked. */
  const newcomers = new Set<Candidate>();
  const join = (member: Member): void => {
    const { candidate, place } = member;
    record(memberJoined(member, place.isLearner === true));
    newcomers.add(candidate);
    upkeep.join(candidate);
    metrics.joined(candidate);
    monitor.add(member);
    if (place.isLearner) monitor.table.judge(candidate, learner);
    holdDrain(member);
    inspector.add(candidate);
    inspector.inspectAllNow();
  };
  /** What an operator has asked for holds for a member that comes, or comes back. */
  const holdDrain = ({ candidate, endpoint }: Member): void => {
    const isDrained = drains.of({ name: candidate.name, endpoint }) !== undefined;
    monitor.table.drain(candidate, isDrained);
  };
  const leave = ({ candidate }: Member): void => {
    const isGone = isConfirmedFailure(monitor.table.health(candidate));
    const timeout = isGone ? 0 : settings.drainTimeout;
    record(memberLeft(candidate, timeout));
    newcomers.delete(candidate);
    inspector.remove(candidate);
    cluster.forget(candidate);
    monitor.remove(candidate);
    upkeep.leave(candidate);
    departures.begin(candidate, timeout, 'removed');
    inspector.inspectAllNow();
  };
  const departed = (candidate: Candidate, departure: Departed): void => {
    const { reason, cut } = departure;
    if (reason === 'drained') {
      record(drainEnded(candidate, departure));
      return;
    }
    if (cut > 0) record(sessionsRemoved(candidate, cut));
    dataPath.sessions.forget(candidate);
    const isSucceeded = candidates().some(({ name }) => name === candidate.name);
    if (isSucceeded) return;
    checks.forget(candidate.name);
    void metrics.left(candidate);
  };

  const cluster = new Cluster({
    members: candidates,
    isHealthy: (candidate) => acceptsNew(monitor.table.health(candidate)),
    get maxLag() {
      return settings.maxLag;
    },
    onStanding: (candidate, unfit, leads) => {
      candidate.leads = leads;
      monitor.table.judge(candidate, unfit);
    },
    onChange: (change) => record(clusterChanged(change)),
  });
  const inspector = new Inspector({
    members: candidates,
    open: (candidate) => membership.clientOf(candidate),
    get interval() {
      return settings.inspectInterval;
    },
    isSettled: () => cluster.isSettled,
    onInspection: (candidate, inspection) => {
      metrics.inspected(candidate, inspection);
      if (inspection.kind === 'known') {
        candidate.latency = smoothed(candidate.latency, inspection.facts.duration);
      }
      cluster.observe(candidate, inspection, Date.now());
      membership.consider();
    },
  });

  const noticeRejection = rejectionNotices(record);
  const observer: DataPathObserver = {
    attempted: (candidate, attempt) => {
      metrics.attempted(candidate, attempt);
      if (attempt.result === 'failed') monitor.dialFailed(candidate, attempt.failure);
    },
    opened: (session, failovers) => {
      if (failovers > 0) metrics.failedOver();
      log.session('session opened', { member: session.candidate.name, failovers });
    },
    ended: (session, reason) => {
      upkeep.silence.forget(session);
      const duration = performance.now() - session.openedAt;
      metrics.sessionEnded(session.candidate, duration);
      if (reason === 'member-reset' || reason === 'member-closed') {
        monitor.checkNow(session.candidate);
      }
      log.session('session ended', {
        member: session.candidate.name,
        reason,
        durationMs: Math.round(duration),
        bytes: session.bytes,
      });
    },
    rejected: (reason) => {
      metrics.rejected(reason);
      noticeRejection(reason);
    },
  };
  const noticeHandshake = handshakeNotices(record);
  const reception =
    settings.tls === 'passthrough'
      ? undefined
      : new Reception({
          ...(clients && { clients: () => renewal.certificates.clients ?? clients }),
          allow: () => settings.allowClient,
          members: () => renewal.members,
          isPlain: (candidate) => membership.isPlain(candidate),
          hostOf: (candidate) => membership.hostOf(candidate),
          get timeout() {
            return settings.dialTimeout;
          },
          onHandshakeFailure: (reason) => {
            metrics.handshakeFailed(reason);
            noticeHandshake(reason);
          },
          onNoRequest: () => observer.rejected('no-request'),
        });
  let copier: CopierName = 'streams';
  let policy = createPolicy(settings.balance);
  const dataPath = new DataPath({
    get policy() {
      return policy;
    },
    snapshot: () => monitor.table.snapshot,
    get timeout() {
      return settings.dialTimeout;
    },
    get raceAfter() {
      return settings.dialRaceAfter;
    },
    keepalive: settings.keepalive,
    get maxConnections() {
      return settings.maxConnections;
    },
    // With TLS of our own, the bytes in between are plain whatever the members speak.
    follows: (candidate) =>
      settings.followCalls && (reception !== undefined || membership.isPlain(candidate)),
    lookup: names.lookup,
    isSelf,
    connect: (options) => copiers[copier].connect(options),
    copy: (pair, counts, follower) => copiers[copier].copy(pair, counts, follower),
    ...(reception && { receive: (client, signal) => reception.receive(client, signal) }),
    observer,
  });
  const metrics = new Metrics({
    ...{ version, members: candidates, monitor, cluster, proxy: dataPath },
    leaving: () => departures.leaving,
    certificates: () => renewal.certificates,
  });

  const evictions = new Evictions(dataPath.sessions);
  const departures = new Departures(dataPath.sessions, dataPath.farewells, departed);
  const upkeep = new Upkeep({
    settings: inForce,
    members: candidates,
    monitor,
    dataPath,
    metrics,
    record,
  });

  const apply = (next: Settings): void => {
    const { balance, checkUrl, ...before } = settings;
    settings = next;
    log.level = next.logLevel;
    if (next.balance !== balance) policy = createPolicy(next.balance);
    renewal.configure(next);
    for (const member of membership.configure()) monitor.rewatch(member);
    monitor.table.refresh();
    const isAskedAnew =
      next.inspectInterval !== before.inspectInterval ||
      !isDeepStrictEqual(next.etcdUser, before.etcdUser);
    if (isAskedAnew) inspector.restart();
  };
  const reload = new Reload({
    started: loaded,
    load,
    trial: (next) =>
      emptiesPool(next, {
        ...{ settings: inForce, monitor, membership, drains, isSelf },
        lookup: names.lookup,
      }),
    apply,
    onResult: (result) => {
      metrics.reloaded(result.kind);
      record(reloaded(result));
    },
  });

  const listeners = await openListeners({
    addresses: settings.listen,
    inherited: inherited.clients,
    reusePort: settings.reusePort,
    socketMode: settings.socketMode,
    socketOwner: settings.socketOwner,
    keepalive: settings.keepalive,
    onConnection: (socket) => dataPath.accept(socket),
    onAcceptError: () => observer.rejected('accept-failed'),
  });
  listen = listeners.addresses;
  if (listeners.servers.every(isSupported)) {
    copier = reception === undefined ? 'shared-buffer' : 'shared-buffer-beside-tls';
  }

  const sources: StatusSources = {
    identity: {
      version,
      node: process.version,
      pid: process.pid,
      startedAt: startedAt.toISOString(),
      listen: listen.map(formatListenAddress),
      copier,
    },
    policy: () => settings.balance,
    members: () => membership.members,
    ...{ departures, drains },
    monitor,
    cluster,
    proxy: dataPath,
    events: () => events.recent,
    stopping: () => stopping.signal.aborted,
  };
  const status = (): Status => takeStatus(sources);
  const orders = new Orders({
    ...{ settings: inForce, members: () => membership.members, monitor, cluster },
    ...{ sessions: dataPath.sessions, drains, departures, upkeep, log, record },
  });
  const isActivated = inherited.clients.length > 0;
  const isShared = settings.reusePort || isActivated;
  let observe: ObserveListener | undefined;
  let admin: AdminListener;
  try {
    if (isActivated) refuseExposure(settings, listen);
    observe = await ObserveListener.open({
      address: settings.observe,
      inherited: inherited.observe,
      isShared,
      status,
      metrics: () => metrics.render(),
      news: { status: () => takeStatus({ ...sources, events: () => [] }), events, checks },
      page: async () => (await import('./page/from-source.ts')).pageFiles(),
      record,
    });
    const reloads = (force: boolean): Promise<ReloadResult> => reload.run(force);
    admin = await AdminListener.open({
      socket: settings.adminSocket,
      inherited: inherited.admin,
      isShared,
      api: { status, events, orders, reload: reloads },
      record,
    });
  } catch (error) {
    listeners.close();
    observe?.close();
    dataPath.close();
    throw error;
  }

  for (const member of membership.members) holdDrain(member);
  monitor.start(checking.signal);
  inspector.start(checking.signal);
  membership.start(checking.signal);
  void renewal.start(checking.signal);
  if (settings.watchConfig) void reload.watch(settings.configFile ?? '', checking.signal);
  startPulse((beat) => upkeep.beat(beat), checking.signal);
  record(started(sources.identity, membership.members, observe.port));
  if (isActivated && !agree(listen, settings.listen)) {
    record(listenIgnored(sources.identity.listen, settings.listen.map(formatListenAddress)));
  }
  for (const path of exposedKeys(settings.certificateFiles)) record(keyExposed(path));

  let stopped: Promise<number> | undefined;
  const stop = async (): Promise<number> => {
    stopping.abort();
    // Right after the sockets were looked at: what the kernel has queued for us by then is accepted.
    await afterPoll();
    listeners.close();
    observe.yield();
    admin.yield();
    record(stoppingEvent(dataPath.sessions.count, settings.drainTimeout));
    dataPath.askAllToLeave(settings.drainTimeout);
    const timer = setTimeout(() => giveUpWaiting.resolve(), settings.drainTimeout);
    await Promise.race([dataPath.idle(), giveUpWaiting.promise]);
    clearTimeout(timer);
    evictions.stop();
    departures.stop();
    const cut = dataPath.close();
    await dataPath.idle();
    checking.abort();
    observe.close();
    admin.close();
    record(stoppedEvent(cut));
    return cut;
  };
  return {
    listen,
    get observePort() {
      return observe.port;
    },
    status,
    reload: () => reload.run(),
    stop: () => (stopped ??= stop()),
    stopNow: () => giveUpWaiting.resolve(),
  };
}
