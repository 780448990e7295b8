/**
 * A balancer from its start to its end.
 *
 *   wire ──► listen ──► management servers ──► probes, polls, timers ──► … ──► stop: drain, close
 *
 * Owns the order of starting and stopping. Who is wired to whom is wiring.ts.
 */
import { hostname } from 'node:os';
import { setImmediate as afterPoll } from 'node:timers/promises';
import { exposedSecrets } from '../certificates/certificates.ts';
import { formatListenAddress, type ListenAddress } from '../config/values/listen.ts';
import { startTicker } from '../lib/time/ticker.ts';
import { surviveErrors } from '../lib/unexpected.ts';
import { CheckHistory } from '../observe/check-history.ts';
import { EventLog } from '../observe/events/event-log.ts';
import type { ReloadResult } from '../observe/events/sentences/operators.ts';
import { type Status, type StatusSources, takeStatus } from '../observe/status.ts';
import { type Inherited, noneInherited } from '../systemd/inherited.ts';
import { agree, refuseExposure } from './inherited-addresses.ts';
import { ManagementServers } from './management-servers.ts';
import { type Rooms, type WiringOptions, wire } from './wiring.ts';

export interface AppOptions extends Omit<WiringOptions, 'events'> {
  /** Where all events are recorded; the log writes them from the start on. */
  readonly events?: EventLog;
  /** Sockets to listen on in place of the addresses of the settings. */
  readonly inherited?: Inherited;
}

/** A running balancer. */
export class App {
  readonly #rooms: Rooms;
  readonly #sources: StatusSources;
  readonly #servers: ManagementServers;
  readonly #stopping: AbortController;
  /** Ends the background work, after the last session. */
  readonly #ended = new AbortController();
  readonly #giveUpWaiting = Promise.withResolvers<void>();
  #stopped: Promise<number> | undefined;

  /**
   * Starts a balancer. Does not wait for etcd: it accepts at once, and `/readyz` tells when it is ready. Throws `SettingError` when an
   * address cannot be opened, `ConfigError` when an inherited socket cannot be used, with nothing left open.
   */
  static async start(options: AppOptions): Promise<App> {
    const { version, events = new EventLog(), inherited = noneInherited } = options;
    const rooms = wire({ ...options, events });
    const { traffic, dataPath, settings } = rooms;
    await traffic.open(inherited.clients);
    const stopping = new AbortController();
    const sources = sourcesOf(rooms, version, stopping.signal);
    const isActivated = inherited.clients.length > 0;
    try {
      if (isActivated) refuseExposure(settings.current, rooms.own.list);
      const { metrics, operations, pausing, record, members, reload } = rooms;
      const servers = await ManagementServers.open({
        ...{ inherited, sources, events, checks: new CheckHistory(members), metrics },
        ...{ operations, pausing, record, settings: settings.current },
        isShared: settings.current.reusePort || isActivated,
        reload: (force) => reload.run(force),
      });
      return new App(rooms, sources, servers, stopping, isActivated);
    } catch (error) {
      traffic.stopAccepting();
      dataPath.close();
      throw error;
    }
  }

  private constructor(
    rooms: Rooms,
    sources: StatusSources,
    servers: ManagementServers,
    stopping: AbortController,
    isActivated: boolean,
  ) {
    this.#rooms = rooms;
    this.#sources = sources;
    this.#servers = servers;
    this.#stopping = stopping;
    this.#begin();
    this.#recordStart(isActivated);
  }

  /** The addresses in use; a port of 0 is replaced by the port that the system chose. */
  get listen(): readonly ListenAddress[] {
    return this.#rooms.own.list;
  }

  /** Port of the observe listener; `undefined` when it is off, on a Unix socket, or not open yet. */
  get observePort(): number | undefined {
    return this.#servers.observePort;
  }

  status(): Status {
    return takeStatus(this.#sources);
  }

  /** Reads the settings again and applies all changes, or none; the log has the result. */
  reload(): Promise<ReloadResult> {
    return this.#rooms.reload.run();
  }

  /**
   * Stops accepting, waits for sessions up to `drainTimeout`, then closes the rest. Resolves with
   * the number of sessions that had to be closed. A second call changes nothing.
   */
  stop(): Promise<number> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Ends the wait of `stop`: open sessions are closed now. */
  stopNow(): void {
    this.#giveUpWaiting.resolve();
  }

  /** Counts and records unhandled errors, which do not end the process, until it is disposed. */
  surviveErrors(): Disposable {
    const { metrics, record } = this.#rooms;
    return surviveErrors(
      () => metrics.failed(),
      ({ name, message, stack }) => record({ kind: 'unexpected-error', name, message, stack }),
    );
  }

  /** Starts all background work. */
  #begin(): void {
    const { settings, membership, lifecycle, monitor, poller, guard, certificates } = this.#rooms;
    const { drains, operations, savedPause, pausing, reload, housekeeping } = this.#rooms;
    const { signal } = this.#ended;
    for (const member of membership.members) lifecycle.applyDrain(member);
    monitor.start(signal);
    poller.start(signal);
    guard.start(signal);
    membership.start(signal);
    void certificates.start(signal);
    void this.#rooms.snapshots.start(signal);
    drains.follow((changed) => operations.followDrains(changed), signal);
    savedPause.follow((asked) => pausing.follow(asked), signal);
    const { watchConfig, configFile = '' } = settings.current;
    if (watchConfig) void reload.watch(configFile, signal);
    startTicker((tick) => housekeeping.tick(tick), signal);
  }

  #recordStart(isActivated: boolean): void {
    const { settings, membership, record } = this.#rooms;
    const { version, listen } = this.#sources.identity;
    const endpoints = membership.members.map(({ endpoint }) => endpoint);
    record({ kind: 'started', version, listen, endpoints, observePort: this.observePort });
    if (isActivated && !agree(this.listen, settings.current.listen)) {
      const asked = settings.current.listen.map(formatListenAddress);
      record({ kind: 'listen-ignored', inherited: listen, listen: asked });
    }
    for (const secret of exposedSecrets(settings.current)) {
      record({ kind: 'key-exposed', ...secret });
    }
  }

  async #stop(): Promise<number> {
    const { settings, traffic, dataPath, sessions, memberDrains, record, knownCluster } =
      this.#rooms;
    this.#stopping.abort();
    // Right after a poll of the sockets, so that connections queued by then are accepted.
    await afterPoll();
    traffic.stopAccepting();
    this.#servers.yield();
    const { drainTimeout } = settings.current;
    record({ kind: 'stopping', sessions: sessions.count, drainTimeout });
    memberDrains.drainAll(drainTimeout);
    dataPath.pause.stop();
    const timer = setTimeout(() => this.stopNow(), drainTimeout);
    await Promise.race([dataPath.idle(), this.#giveUpWaiting.promise]);
    clearTimeout(timer);
    memberDrains.stop();
    const cut = dataPath.close();
    await dataPath.idle();
    this.#ended.abort();
    this.#servers.close();
    await knownCluster.save();
    record({ kind: 'stopped', cut });
    return cut;
  }
}

function sourcesOf(rooms: Rooms, version: string, stopping: AbortSignal): StatusSources {
  const { events, settings, members, own, traffic, dataPath: proxy, guard } = rooms;
  const { memberDrains, drains, monitor, cluster, certificates, reload } = rooms;
  return {
    identity: {
      ...{
        name: settings.current.name,
        host: hostname(),
        configFile: settings.current.configFile,
        version,
        node: process.version,
        pid: process.pid,
        startedAt: new Date().toISOString(),
      },
      ...{ listen: own.list.map(formatListenAddress), copier: traffic.copier },
    },
    ...{ memberDrains, drains, monitor, cluster, proxy, members, hold: () => guard.view },
    snapshots: () => rooms.snapshots.view,
    policy: () => settings.current.balance,
    certificates: (now) => certificates.inUse(now),
    reload: () => reload.history,
    events: () => events.recent,
    stopping: () => stopping.aborted,
  };
}
