/**
 * Wires the rooms together; the only file that knows them all.
 *
 *   monitor ──► member table ──► snapshot ──► data path (dial, sessions)
 *      ▲              │                         │
 *      └── dial failed┼─────────────────────────┘
 *                     └──► evictions, events ──► log, metrics, status
 */
import net, { type Socket } from 'node:net';
import { setImmediate as afterPoll } from 'node:timers/promises';
import { smoothed } from './balance/latency.ts';
import { createPolicy } from './balance/policies.ts';
import type { Candidate } from './balance/snapshot.ts';
import { Cluster } from './cluster/cluster.ts';
import { EtcdClient } from './cluster/etcd-client.ts';
import { Inspector } from './cluster/inspector.ts';
import type { TableChange } from './cluster/member-table.ts';
import { Monitor } from './cluster/monitor.ts';
import { Names } from './cluster/names.ts';
import { acceptsNew } from './cluster/verdict.ts';
import { checkUrlOf } from './config/check-url.ts';
import { type Endpoint, formatEndpoint } from './config/endpoint.ts';
import { formatListenAddress, type ListenAddress } from './config/listen.ts';
import type { Settings } from './config/settings.ts';
import { clusterChanged, fitnessChanged } from './observe/cluster-events.ts';
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
import { type ObserveServer, openObserveServer } from './observe/http.ts';
import type { Log } from './observe/log.ts';
import { Metrics } from './observe/metrics.ts';
import { rejectionNotices } from './observe/notices.ts';
import { type Status, type StatusSources, takeStatus } from './observe/status.ts';
import { DataPath, type DataPathObserver } from './proxy/data-path.ts';
import { Evictions } from './proxy/evictions.ts';
import { openListeners } from './proxy/listeners.ts';
import { leadsToSelf } from './proxy/self.ts';
import {
  connectToSharedBuffer,
  copyThroughSharedBuffer,
  isSupported,
} from './proxy/shared-buffer.ts';
import { copyThroughStreams } from './proxy/streams.ts';
import { startPulse } from './pulse.ts';
import { Upkeep } from './upkeep.ts';

/** A running balancer. */
export interface App {
  /** The addresses in use; a port of 0 has become the one that was given. */
  readonly listen: readonly ListenAddress[];
  /** Port of the observe listener; `undefined` when it is off. */
  readonly observePort: number | undefined;
  status(): Status;
  /**
   * Stops accepting, waits for sessions up to `drainTimeout`, then closes the rest. Resolves with
   * the number of sessions that had to be closed. A second call changes nothing.
   */
  stop(): Promise<number>;
  /** Ends the wait of `stop`: what is open is closed now. */
  stopNow(): void;
}

/** Bound on each question to a member about itself, ms. */
const inspectTimeout = 2_000;

/** The ways to copy bytes; the first is taken where this Node allows it. */
const copiers = {
  'shared-buffer': { connect: connectToSharedBuffer, copy: copyThroughSharedBuffer },
  streams: { connect: net.connect, copy: copyThroughStreams },
};
type CopierName = keyof typeof copiers;

/**
 * Starts a balancer. Does not wait for etcd: it accepts at once and `/readyz` tells. Throws
 * `Refusal` when an address cannot be opened, with nothing left open.
 */
export async function startApp(settings: Settings, version: string, log: Log): Promise<App> {
  const startedAt = new Date();
  const stopping = new AbortController();
  const checking = new AbortController();
  const giveUpWaiting = Promise.withResolvers<void>();
  const events = new EventLog((event) => log.write(event));
  const record = (body: EventBody): void => events.record(body);
  const members = settings.endpoints.map((endpoint) => ({
    candidate: candidateFor(endpoint, settings),
    endpoint: formatEndpoint(endpoint),
    checkUrl: checkUrlOf(endpoint, settings.checkUrl),
    checksClientPort: settings.checkUrl === undefined,
  }));
  const candidates = members.map((member) => member.candidate);
  let listen: readonly ListenAddress[] = settings.listen;
  const isSelf = (socket: Socket, port: number): boolean => leadsToSelf(socket, port, listen);

  const names = new Names((change) => record(namesChanged(change)));
  const monitor = new Monitor({
    members,
    rules: { rise: settings.checkRise, fall: settings.checkFall },
    schedule: { interval: settings.checkInterval, fastInterval: settings.checkFastInterval },
    timeout: settings.checkTimeout,
    silentTimeout: Math.min(settings.checkTimeout, settings.checkFastInterval),
    lookup: names.lookup,
    tls: settings.tls,
    isSelf,
    wasStarved: (start) => upkeep.starvation.since(start),
    isSilent: (candidate, bound) => upkeep.silence.isSilent(candidate, performance.now(), bound),
    onCheck: (candidate, result) => metrics.checked(candidate, result),
    onChange: (change) => react(change),
  });

  const react = (change: TableChange): void => {
    if (change.member !== undefined) {
      const { candidate, from, to } = change.member;
      record(memberChanged(change.member));
      metrics.stateChanged(candidate, to.state);
      const isBack = acceptsNew(to) && from.state === 'recovering' && from.from === 'failed';
      if (isBack) upkeep.slowStart.begin(candidate, performance.now());
      // Whoever fails or comes back, another member may lead by now.
      inspector.inspectAllNow();
    }
    if (change.fitness !== undefined) {
      record(fitnessChanged(change.fitness));
      const { candidate, unfit } = change.fitness;
      if (unfit === undefined) upkeep.slowStart.begin(candidate, performance.now());
    }
    if (change.mode !== undefined) record(modeChanged(change.mode.from, change.mode.to));
    const { snapshot, mode } = monitor.table;
    for (const [member, sessions] of evictions.set(change.evict)) {
      metrics.evicted(member);
      const health = monitor.table.health(member);
      record(sessionsEvicted(member, sessions, health, snapshot.routable, mode));
    }
  };

  const cluster = new Cluster({
    members: candidates,
    isHealthy: (candidate) => acceptsNew(monitor.table.health(candidate)),
    maxLag: settings.maxLag,
    onStanding: (candidate, unfit, leads) => {
      candidate.leads = leads;
      monitor.table.judge(candidate, unfit);
    },
    onChange: (change) => record(clusterChanged(change)),
  });
  const inspector = new Inspector({
    members: candidates,
    open: (candidate) => clientOf(candidate, settings),
    interval: settings.inspectInterval,
    isSettled: () => cluster.isSettled,
    onInspection: (candidate, inspection) => {
      metrics.inspected(candidate, inspection);
      if (inspection.kind === 'known') {
        candidate.latency = smoothed(candidate.latency, inspection.facts.duration);
      }
      cluster.observe(candidate, inspection, Date.now());
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
  let copier: CopierName = 'streams';
  const dataPath = new DataPath({
    policy: createPolicy(settings.balance),
    snapshot: () => monitor.table.snapshot,
    timeout: settings.dialTimeout,
    raceAfter: settings.dialRaceAfter,
    keepalive: settings.keepalive,
    maxConnections: settings.maxConnections,
    lookup: names.lookup,
    isSelf,
    connect: (options) => copiers[copier].connect(options),
    copy: (pair, counts) => copiers[copier].copy(pair, counts),
    observer,
  });
  const metrics = new Metrics({
    ...{ version, members: candidates, monitor, cluster, proxy: dataPath },
  });

  const evictions = new Evictions(dataPath.sessions);
  const upkeep = new Upkeep({
    settings,
    members: candidates,
    monitor,
    dataPath,
    metrics,
    record,
  });

  const listeners = await openListeners({
    addresses: settings.listen,
    reusePort: settings.reusePort,
    socketMode: settings.socketMode,
    socketOwner: settings.socketOwner,
    keepalive: settings.keepalive,
    onConnection: (socket) => dataPath.accept(socket),
    onAcceptError: () => observer.rejected('accept-failed'),
  });
  listen = listeners.addresses;
  if (listeners.servers.every(isSupported)) copier = 'shared-buffer';

  const sources: StatusSources = {
    identity: {
      version,
      node: process.version,
      pid: process.pid,
      startedAt: startedAt.toISOString(),
      listen: listen.map(formatListenAddress),
      policy: settings.balance,
      copier,
    },
    members,
    monitor,
    cluster,
    proxy: dataPath,
    events: () => events.recent,
    stopping: () => stopping.signal.aborted,
  };
  const status = (): Status => takeStatus(sources);
  let observe: ObserveServer | undefined;
  if (settings.observe !== undefined) {
    try {
      observe = await openObserveServer({
        ...settings.observe,
        status,
        metrics: () => metrics.render(),
      });
    } catch (error) {
      listeners.close();
      dataPath.close();
      throw error;
    }
  }

  monitor.start(checking.signal);
  inspector.start(checking.signal);
  startPulse((beat) => upkeep.beat(beat), checking.signal);
  record(started(sources.identity, members, observe?.port));

  let stopped: Promise<number> | undefined;
  const stop = async (): Promise<number> => {
    stopping.abort();
    // Right after the sockets were looked at: what the kernel has queued for us by then is accepted.
    await afterPoll();
    listeners.close();
    record(stoppingEvent(dataPath.sessions.count, settings.drainTimeout));
    const timer = setTimeout(() => giveUpWaiting.resolve(), settings.drainTimeout);
    await Promise.race([dataPath.idle(), giveUpWaiting.promise]);
    clearTimeout(timer);
    evictions.stop();
    const cut = dataPath.close();
    await dataPath.idle();
    checking.abort();
    observe?.close();
    record(stoppedEvent(cut));
    return cut;
  };
  return {
    listen,
    observePort: observe?.port,
    status,
    stop: () => (stopped ??= stop()),
    stopNow: () => giveUpWaiting.resolve(),
  };
}

function clientOf({ name }: Candidate, settings: Settings): EtcdClient {
  const endpoint = settings.endpoints.find((each) => each.name === name);
  if (endpoint === undefined) throw new Error(`${name} is not an endpoint`);
  const { scheme, host, port } = endpoint;
  const { tls, etcdUser } = settings;
  return new EtcdClient({
    ...{ scheme, host, port, tls, timeout: inspectTimeout },
    ...(etcdUser && { user: etcdUser }),
  });
}

function candidateFor({ name, host, port }: Endpoint, settings: Settings): Candidate {
  const numberOf = (setting: 'weight' | 'priority'): number | undefined =>
    settings[setting].find(({ member }) => member === name)?.value;
  const share = numberOf('weight') ?? 1;
  const priority = numberOf('priority') ?? 0;
  return { name, host, port, load: 0, weight: share, share, priority };
}
