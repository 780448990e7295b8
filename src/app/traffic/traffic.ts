/**
 * Traffic: from the listen sockets to the members and back, according to the settings.
 *
 *   listeners ──► handshakes, if TLS ends here ──► data path ──► copier
 *       └────────────────┴────────────────────────────┴──► attempted, opened, ended, rejected, handshake-failed
 *
 * Owns which way of copying is taken. Leaves to proxy/ how clients are served, to the member table where they may
 * go, and to its listeners what follows.
 */
import { EventEmitter } from 'node:events';
import net, { type LookupFunction } from 'node:net';
import { createPolicy } from '../../balancing/policies/policies.ts';
import type { Policy } from '../../balancing/policies/policy.ts';
import type { CertificateReloader } from '../../certificates/reloader.ts';
import type { LiveSettings } from '../../config/live-settings.ts';
import type { MemberTable } from '../../health/member-table.ts';
import type { Member } from '../../members/member.ts';
import type { RejectReason } from '../../proxy/client-totals.ts';
import { DataPath } from '../../proxy/data-path.ts';
import type { DialAttempt } from '../../proxy/dial/dial.ts';
import { type Listeners, openListeners } from '../../proxy/listen/listeners.ts';
import type { OwnAddresses } from '../../proxy/listen/own-addresses.ts';
import {
  connectToSharedBuffer,
  copyBesideTls,
  copyThroughSharedBuffer,
  isSupported,
} from '../../proxy/relay/shared-buffer.ts';
import { copyThroughStreams } from '../../proxy/relay/streams.ts';
import type { EndReason, Session } from '../../proxy/sessions/session.ts';
import type { HandshakeFailure } from '../../proxy/tls/downstream.ts';
import { ClientHandshakes } from '../../proxy/tls/handshake.ts';

/** The ways to copy bytes; the first is used where this Node supports it. */
const copiers = {
  'shared-buffer': { connect: connectToSharedBuffer, copy: copyThroughSharedBuffer },
  'shared-buffer-beside-tls': { connect: net.connect, copy: copyBesideTls },
  streams: { connect: net.connect, copy: copyThroughStreams },
};
type CopierName = keyof typeof copiers;

export interface TrafficOptions {
  readonly settings: LiveSettings;
  readonly certificates: CertificateReloader;
  readonly table: MemberTable;
  readonly lookup: LookupFunction;
  /** Gets the listen addresses once they are known. */
  readonly own: OwnAddresses;
}

/** Events of connections; none is emitted per chunk. */
interface TrafficEvents {
  attempted: [Member, DialAttempt];
  /** With the number of members tried before. */
  opened: [Session, number];
  ended: [Session, EndReason];
  rejected: [RejectReason];
  'handshake-failed': [HandshakeFailure];
}

export class Traffic extends EventEmitter<TrafficEvents> {
  readonly path: DataPath;
  readonly #options: TrafficOptions;
  readonly #handshakes: ClientHandshakes | undefined;
  #copier: CopierName = 'streams';
  #policy: Policy;
  #listeners: Listeners | undefined;

  constructor(options: TrafficOptions) {
    super();
    this.#options = options;
    const { settings, table, lookup, own } = options;
    this.#policy = createPolicy(settings.current.balance);
    settings.onChange((next, before) => {
      if (next.balance !== before.balance) this.#policy = createPolicy(next.balance);
    });
    const handshakes = this.#createHandshakes();
    this.#handshakes = handshakes;
    this.path = new DataPath({
      ...{ settings, lookup, isSelf: own.isSelf },
      policy: (members, tried) => this.#policy(members, tried),
      snapshot: () => table.snapshot,
      connect: (target) => copiers[this.#copier].connect(target),
      copy: (pair, counts, follower) => copiers[this.#copier].copy(pair, counts, follower),
      ...(handshakes && { receive: (client, signal) => handshakes.receive(client, signal) }),
      observer: {
        attempted: (...told) => void this.emit('attempted', ...told),
        opened: (...told) => void this.emit('opened', ...told),
        ended: (...told) => void this.emit('ended', ...told),
        rejected: (reason) => void this.emit('rejected', reason),
      },
    });
  }

  /** How bytes are copied; final once the listeners are open. */
  get copier(): CopierName {
    return this.#copier;
  }

  /** Begins to accept, on `inherited` sockets if there are any. Throws as `openListeners` does. */
  async open(inherited: readonly number[]): Promise<void> {
    const { settings, own } = this.#options;
    const { listen, reusePort, socketMode, socketOwner, keepalive } = settings.current;
    this.#listeners = await openListeners({
      ...{ addresses: listen, inherited, reusePort, socketMode, socketOwner, keepalive },
      onConnection: (socket) => this.path.accept(socket),
      onAcceptError: () => this.path.reject('accept-failed'),
    });
    own.list = this.#listeners.addresses;
    if (!this.#listeners.servers.every(isSupported)) return;
    this.#copier = this.#handshakes === undefined ? 'shared-buffer' : 'shared-buffer-beside-tls';
  }

  /** Closes the listeners. Sessions, and clients that wait for a member, go on. */
  stopAccepting(): void {
    this.#listeners?.close();
  }

  /** `undefined` where TLS passes through. */
  #createHandshakes(): ClientHandshakes | undefined {
    const { settings, certificates } = this.#options;
    if (settings.current.tls === 'passthrough') return undefined;
    const { clients } = settings.current.certificates;
    return new ClientHandshakes({
      settings,
      ...(clients && { clients: () => certificates.certificates.clients ?? clients }),
      members: () => certificates.members,
      onHandshakeFailure: (reason) => void this.emit('handshake-failed', reason),
      onNoRequest: () => this.path.reject('no-request'),
    });
  }
}
