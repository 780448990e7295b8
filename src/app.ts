/**
 * Wires the rooms together; the only file that knows them all.
 *
 *   monitor ──► member table ──► snapshot ──► proxy (dial, sessions)
 *      ▲              │                         │
 *      └── dial failed┼─────────────────────────┘
 *                     └──► evictions, events ──► log, metrics, status
 */
import { createPolicy } from './balance/policies.ts';
import { SlowStart } from './balance/slow-start.ts';
import type { Candidate } from './balance/snapshot.ts';
import type { TableChange } from './cluster/member-table.ts';
import { Monitor } from './cluster/monitor.ts';
import { Names } from './cluster/names.ts';
import { Starvation } from './cluster/starvation.ts';
import { acceptsNew } from './cluster/verdict.ts';
import { type Endpoint, formatEndpoint } from './config/endpoint.ts';
import { formatListenAddress, type ListenAddress } from './config/listen.ts';
import type { Settings } from './config/settings.ts';
import { Descriptors } from './observe/descriptors.ts';
import {
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
import { MoveNotices, rejectionNotices } from './observe/notices.ts';
import { type Status, type StatusSources, takeStatus } from './observe/status.ts';
import { DataPath, type DataPathObserver } from './proxy/data-path.ts';
import { Evictions } from './proxy/evictions.ts';
import { openListeners } from './proxy/listeners.ts';
import { Rebalancer } from './proxy/rebalancer.ts';
import { leadsToSelf } from './proxy/self.ts';
import { copyThroughSharedBuffer, isSupported } from './proxy/shared-buffer.ts';
import { Silence } from './proxy/silence.ts';
import { copyThroughStreams } from './proxy/streams.ts';
import { type Beat, startPulse } from './pulse.ts';

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

/** The ways to copy bytes; the first is taken where this Node allows it. */
const copiers = { 'shared-buffer': copyThroughSharedBuffer, streams: copyThroughStreams };
type CopierName = keyof typeof copiers;

/** Between two looks at the sessions, ms. */
const beatInterval = 50;
/** Once a member has fallen silent all are checked fast for this long, ms. */
const doubtTime = 1_000;
/** A session younger than this is not moved, ms: its client has only just come. */
const movableAge = 5_000;
/** The part of a member's sessions that may be moved in a minute. */
const movedPerMinute = 0.75;

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
  const members = settings.endpoints.map((endpoint) => ({
    candidate: candidateFor(endpoint),
    endpoint: formatEndpoint(endpoint),
    checkUrl: checkUrlOf(endpoint, settings.checkUrl),
    checksClientPort: settings.checkUrl === undefined,
  }));
  const candidates = members.map((member) => member.candidate);
  let listen: readonly ListenAddress[] = settings.listen;
  const isSelf = (socket: Parameters<typeof leadsToSelf>[0]): boolean =>
    leadsToSelf(socket, listen);

  const names = new Names((change) => events.record(namesChanged(change)));
  const monitor = new Monitor({
    members,
    rules: { rise: settings.checkRise, fall: settings.checkFall },
    schedule: { interval: settings.checkInterval, fastInterval: settings.checkFastInterval },
    timeout: settings.checkTimeout,
    silentTimeout: Math.min(settings.checkTimeout, settings.checkFastInterval),
    lookup: names.lookup,
    tls: settings.tls,
    isSelf,
    wasStarved: (start) => starvation.since(start),
    isSilent: (candidate, bound) => silence.isSilent(candidate, performance.now(), bound),
    onCheck: (candidate, result) => metrics.checked(candidate, result),
    onChange: (change) => react(change),
  });

  const react = (change: TableChange): void => {
    if (change.member !== undefined) {
      const { candidate, from, to } = change.member;
      events.record(memberChanged(change.member));
      metrics.stateChanged(candidate, to.state);
      const isBack = acceptsNew(to) && from.state === 'recovering' && from.from === 'failed';
      if (isBack) slowStart.begin(candidate, performance.now());
    }
    if (change.mode !== undefined) events.record(modeChanged(change.mode.from, change.mode.to));
    const healthy = monitor.table.entries.filter(({ health }) => acceptsNew(health));
    for (const [member, sessions] of evictions.set(change.evict)) {
      metrics.evicted(member);
      const health = monitor.table.health(member);
      const others = healthy.map((entry) => entry.candidate);
      events.record(sessionsEvicted(member, sessions, health, others));
    }
  };

  const noticeRejection = rejectionNotices((body) => events.record(body));
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
  const proxy = new DataPath({
    policy: createPolicy(settings.balance),
    snapshot: () => monitor.table.snapshot,
    timeout: settings.dialTimeout,
    raceAfter: settings.dialRaceAfter,
    keepalive: settings.keepalive,
    maxConnections: settings.maxConnections,
    lookup: names.lookup,
    isSelf,
    copy: (pair, counts) => copiers[copier](pair, counts),
    observer,
  });
  const metrics = new Metrics({ version, members: candidates, monitor, proxy });

  const starvation = new Starvation();
  const slowStart = new SlowStart(settings.slowStart);
  const silence = new Silence(proxy.sessions, candidates, settings.suspectAfter, performance.now());
  const evictions = new Evictions(proxy.sessions);
  const rebalancer = new Rebalancer(
    proxy.sessions,
    {
      // Another policy would not send a moved client where there is room.
      spread: settings.balance === 'least-connections' ? settings.rebalance : 0,
      perMinute: movedPerMinute,
      minAge: movableAge,
      maxAge: settings.maxSessionAge,
    },
    (from) => moveNotices.moved(from, performance.now()),
  );
  const moveNotices = new MoveNotices(candidates, (body) => events.record(body));
  const descriptors = new Descriptors((body) => events.record(body));
  let doubtUntil = 0;
  const onBeat = ({ now, late }: Beat): void => {
    const starved = starvation.note(late, now);
    if (starved) metrics.starved();
    silence.sweep(now, starved);
    const silent = silence.suspects(now);
    for (const candidate of silent) metrics.fellSilent(candidate);
    if (silent.length > 0) doubtUntil = now + doubtTime;
    if (now < doubtUntil) monitor.checkAllNow();
    descriptors.beat(proxy.waiting + proxy.sessions.count, now);
    slowStart.beat(now);
    const shares = monitor.table.entries.map(({ candidate, health }) => ({
      candidate,
      healthy: acceptsNew(health),
    }));
    rebalancer.beat(shares, now);
    moveNotices.beat(now);
  };

  const listeners = await openListeners({
    addresses: settings.listen,
    socketMode: settings.socketMode,
    socketOwner: settings.socketOwner,
    keepalive: settings.keepalive,
    onConnection: (socket) => proxy.accept(socket),
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
    proxy,
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
      proxy.close();
      throw error;
    }
  }

  monitor.start(checking.signal);
  startPulse(beatInterval, onBeat, checking.signal);
  events.record(started(sources.identity, members, observe?.port));

  let stopped: Promise<number> | undefined;
  const stop = async (): Promise<number> => {
    stopping.abort();
    listeners.close();
    events.record(stoppingEvent(proxy.sessions.count, settings.drainTimeout));
    const timer = setTimeout(() => giveUpWaiting.resolve(), settings.drainTimeout);
    await Promise.race([proxy.idle(), giveUpWaiting.promise]);
    clearTimeout(timer);
    evictions.stop();
    const cut = proxy.close();
    await proxy.idle();
    checking.abort();
    observe?.close();
    events.record(stoppedEvent(cut));
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

function candidateFor({ name, host, port }: Endpoint): Candidate {
  return { name, host, port, load: 0, weight: 1 };
}

/** `{host}` is the only thing a check URL template may take from the endpoint. */
function checkUrlOf(endpoint: Endpoint, template: string | undefined): string {
  if (template === undefined) return formatEndpoint(endpoint);
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return template.replaceAll('{host}', host).replace(/\/$/, '');
}
