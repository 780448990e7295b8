/**
 * Traffic: from the listen sockets to the members and back, as the settings want it.
 *
 *   listeners ──► handshakes, where TLS is ours ──► data path ──► copier
 *                                                      └──► monitor, log, metrics
 *
 * Owns which way of copying is taken, and who learns what of connections. Leaves to proxy/ how they are
 * served, and to the monitor where they may go.
 */
import net, { type LookupFunction, type Socket } from 'node:net';
import { createPolicy } from '../balancing/policies.ts';
import type { Policy } from '../balancing/policy.ts';
import type { CertificateReloader } from '../certificates/reloader.ts';
import type { LiveSettings } from '../config/live-settings.ts';
import type { ListenAddress } from '../config/values/listen.ts';
import type { Monitor } from '../health/monitor.ts';
import type { LeaderGuard } from '../leader/guard.ts';
import type { Event } from '../observe/events/event.ts';
import { throttled } from '../observe/events/throttle.ts';
import type { Log } from '../observe/log/log.ts';
import type { Metrics } from '../observe/metrics/metrics.ts';
import { DataPath, type DataPathObserver, type RejectReason } from '../proxy/data-path.ts';
import { type Listeners, openListeners } from '../proxy/listen/listeners.ts';
import { leadsToSelf } from '../proxy/listen/self.ts';
import {
  connectToSharedBuffer,
  copyBesideTls,
  copyThroughSharedBuffer,
  isSupported,
} from '../proxy/relay/shared-buffer.ts';
import { copyThroughStreams } from '../proxy/relay/streams.ts';
import type { HandshakeFailure } from '../proxy/tls/downstream.ts';
import { ClientHandshakes } from '../proxy/tls/handshake.ts';

/** The ways to copy bytes; the first is taken where this Node allows it. */
const copiers = {
  'shared-buffer': { connect: connectToSharedBuffer, copy: copyThroughSharedBuffer },
  'shared-buffer-beside-tls': { connect: net.connect, copy: copyBesideTls },
  streams: { connect: net.connect, copy: copyThroughStreams },
};
type CopierName = keyof typeof copiers;

export interface TrafficOptions {
  /** Those in force. */
  readonly settings: LiveSettings;
  readonly renewal: CertificateReloader;
  readonly monitor: Monitor;
  readonly lookup: LookupFunction;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly record: (event: Event) => void;
  readonly guard: LeaderGuard;
}

export class Traffic {
  readonly path: DataPath;
  readonly #options: TrafficOptions;
  readonly #observer: DataPathObserver;
  readonly #handshakes: ClientHandshakes | undefined;
  #copier: CopierName = 'streams';
  #policy: Policy;
  #listeners: Listeners | undefined;

  constructor(options: TrafficOptions) {
    this.#options = options;
    const { settings, monitor, lookup } = options;
    this.#policy = createPolicy(settings.current.balance);
    settings.onChange((next, before) => {
      if (next.balance !== before.balance) this.#policy = createPolicy(next.balance);
    });
    this.#observer = observerOf(options);
    this.#handshakes = handshakesOf(options, this.#observer);
    const handshakes = this.#handshakes;
    this.path = new DataPath({
      ...{ settings, lookup, isSelf: this.isSelf, observer: this.#observer },
      policy: (members, tried) => this.#policy(members, tried),
      snapshot: () => monitor.table.snapshot,
      connect: (target) => copiers[this.#copier].connect(target),
      copy: (pair, counts, follower) => copiers[this.#copier].copy(pair, counts, follower),
      ...(handshakes && { receive: (client, signal) => handshakes.receive(client, signal) }),
    });
  }

  /** The addresses in use, once they are open; a port of 0 has become the one that was given. */
  get listen(): readonly ListenAddress[] {
    return this.#listeners?.addresses ?? this.#options.settings.current.listen;
  }

  /** How bytes are copied; known once the listeners are open. */
  get copier(): CopierName {
    return this.#copier;
  }

  /** Is the other end of this connection to `port` one of our own listeners? */
  readonly isSelf = (socket: Socket, port: number): boolean =>
    leadsToSelf(socket, port, this.listen);

  /** Begins to accept, on `inherited` sockets if there are any. Throws as `openListeners` does. */
  async open(inherited: readonly number[]): Promise<void> {
    const { listen, reusePort, socketMode, socketOwner, keepalive } =
      this.#options.settings.current;
    this.#listeners = await openListeners({
      ...{ addresses: listen, inherited, reusePort, socketMode, socketOwner, keepalive },
      onConnection: (socket) => this.path.accept(socket),
      onAcceptError: () => this.#observer.rejected('accept-failed'),
    });
    if (!this.#listeners.servers.every(isSupported)) return;
    this.#copier = this.#handshakes === undefined ? 'shared-buffer' : 'shared-buffer-beside-tls';
  }

  /** Sessions, and clients that wait for a member, go on. */
  stopAccepting(): void {
    this.#listeners?.close();
  }
}

/** Tells the monitor what traffic knows first, and counts and logs the rest. */
function observerOf(options: TrafficOptions): DataPathObserver {
  const { monitor, guard, metrics, log, record } = options;
  const tellRejected = throttled<RejectReason>((reason, clients) =>
    record({ kind: 'clients-rejected', reason, clients }),
  );
  return {
    attempted: (member, attempt) => {
      metrics.attempted(member, attempt);
      if (attempt.result !== 'failed') return;
      // First of all, so that nothing more is sent where it would be lost.
      if (attempt.failure.reason === 'refused') guard.refused(member);
      monitor.dialFailed(member, attempt.failure);
    },
    opened: (session, failovers) => {
      if (failovers > 0) metrics.failedOver();
      const client = session.relay.clientAddress();
      log.session('session opened', {
        session: session.id,
        ...(client !== undefined && { client }),
        member: session.member.name,
        failovers,
      });
    },
    ended: (session, reason) => {
      const { client, member } = session.bytes;
      const duration = performance.now() - session.openedAt;
      metrics.sessionEnded(session.member, duration);
      if (reason === 'member-reset' || reason === 'member-closed') {
        guard.sessionCut(session.member);
        monitor.checkNow(session.member);
      }
      log.session('session ended', {
        session: session.id,
        member: session.member.name,
        reason,
        durationMs: Math.round(duration),
        bytes: { client, member },
      });
    },
    rejected: (reason) => {
      metrics.rejected(reason);
      tellRejected(reason);
    },
  };
}

/** `undefined` where TLS, if there is any, is between clients and members. */
function handshakesOf(
  { settings, renewal, metrics, record }: TrafficOptions,
  observer: DataPathObserver,
): ClientHandshakes | undefined {
  if (settings.current.tls === 'passthrough') return undefined;
  const { clients } = settings.current.certificates;
  const tellFailed = throttled<HandshakeFailure>((reason, clients) =>
    record({ kind: 'handshakes-failed', reason, clients }),
  );
  return new ClientHandshakes({
    settings,
    ...(clients && { clients: () => renewal.certificates.clients ?? clients }),
    members: () => renewal.members,
    onHandshakeFailure: (reason) => {
      metrics.handshakeFailed(reason);
      tellFailed(reason);
    },
    onNoRequest: () => observer.rejected('no-request'),
  });
}
