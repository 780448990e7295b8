/**
 * The settings of a run, in the units that the code uses. How each setting is written, and its
 * default, is options.ts.
 */

import type { CertificateFiles, Certificates } from '../certificates/certificates.ts';
import type { Endpoint, MemberNumber } from './values/endpoint.ts';
import type { AdminSocket, ListenAddress, TcpAddress } from './values/listen.ts';
import type { Owner } from './values/owner.ts';

export const policies = [
  'least-connections',
  'least-calls',
  'round-robin',
  'random',
  'leader',
  'nearest',
] as const;
export const discoveries = ['static', 'members'] as const;
/** Who speaks TLS with whom; see the README. */
export const tlsModes = ['passthrough', 'terminate', 'originate'] as const;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export const logFormats = ['auto', 'json', 'pretty'] as const;

/** Durations are in ms, and above 0 unless said otherwise. */
export interface Settings {
  /** The configuration file, if there is one; relative to the working directory. */
  readonly configFile?: string;
  /** Are settings read again when that file changes? */
  readonly watchConfig: boolean;
  /** At least one; no two of them collide. */
  readonly listen: readonly ListenAddress[];
  /** May other processes listen on the same TCP addresses beside us (SO_REUSEPORT)? */
  readonly reusePort: boolean;
  /** Permission bits of Unix sockets, such as 0o660. */
  readonly socketMode: number;
  /** Owner of Unix sockets; the process's own if absent. */
  readonly socketOwner?: Owner;
  /** All of one scheme, each once, none this balancer itself; may be empty only with an SRV domain. */
  readonly endpoints: readonly Endpoint[];
  /** `members`: those that the cluster lists; the endpoints are only where to begin. */
  readonly discovery: (typeof discoveries)[number];
  /** Domain whose SRV records name further endpoints. */
  readonly discoverySrv?: string;
  /** Directory for what must survive a restart. */
  readonly stateDir?: string;
  /** `passthrough`: clients speak TLS with members. Else we speak it with one side or both. */
  readonly tls: (typeof tlsModes)[number];
  /** As they were when the settings were read; see `certificateFiles`. */
  readonly certificates: Certificates;
  /** Where the certificates were read from, and are read again. */
  readonly certificateFiles: CertificateFiles;
  /** A client's certificate must carry one of these names; empty for any that is trusted. */
  readonly allowClient: readonly string[];
  /** May clients connect without TLS over TCP, though members ask for it? */
  readonly plaintextTcp: boolean;
  /** Name to verify members by, instead of their hosts. */
  readonly serverName?: string;
  /** Contains `{host}`; resolved by `checkUrlOf`. Absent: the endpoint's own URL. */
  readonly checkUrl?: string;
  /** Between two probes of a healthy member. */
  readonly checkInterval: number;
  /** The same for a member in doubt; at most `checkInterval`. */
  readonly checkFastInterval: number;
  /** Bound on one probe; at most `checkInterval * checkFall`. */
  readonly checkTimeout: number;
  /** Passed probes in a row before a failed member is used again, 1 or more. */
  readonly checkRise: number;
  /** Failed probes in a row before a member's connections are closed, 1 or more. */
  readonly checkFall: number;
  /** Between two polls of a member's status; 0 for none. */
  readonly inspectInterval: number;
  /** One of etcd's own users, for these polls. */
  readonly etcdUser?: { readonly name: string; readonly password: string };
  /** Where the password was read from. */
  readonly passwordFile?: string;
  /** Log entries a member may be behind the leader and still be used; 0 for any number. */
  readonly maxLag: number;
  readonly balance: (typeof policies)[number];
  /** By the name of the member; 1 for those not named. */
  readonly weight: readonly MemberNumber[];
  /** By the name of the member; 0 for those not named. */
  readonly priority: readonly MemberNumber[];
  /** For a client's connection to reach some member, all attempts together. */
  readonly dialTimeout: number;
  /** Until a second member is dialled beside a slow first; below `dialTimeout`. */
  readonly dialRaceAfter: number;
  /** Idle time before TCP keepalive probes, both sides: whole seconds in ms; 0 is off. */
  readonly keepalive: number;
  /** How long a member that owes an answer may send nothing before all are probed at once. */
  readonly suspectAfter: number;
  /** Longest time for which clients are not read from while the leader is lost; 0 for never. */
  readonly hold: number;
  /** Until a member that comes back has its full share of new connections; 0 for at once. */
  readonly slowStart: number;
  /** How far the members' numbers of sessions may differ before some are moved; 0 moves none. */
  readonly rebalance: number;
  /** Age from which a session may be moved though it is never quiet; 0 for never. */
  readonly maxSessionAge: number;
  /** Are calls followed in sessions whose bytes are plain? */
  readonly followCalls: boolean;
  /** Client connections at a time, 1 or more. */
  readonly maxConnections: number;
  /** The share of `maxConnections` that may come from one address, percent. */
  readonly maxSourceShare: number;
  /** Until a connected client must have sent something; 0 for no bound. */
  readonly firstByteTimeout: number;
  /** For clients to leave at shutdown; 0 closes them at once. */
  readonly drainTimeout: number;
  /** Where snapshots are saved on a schedule; undefined for no schedule. */
  readonly snapshotDir?: string;
  readonly snapshotEvery: number;
  /** How many are kept. */
  readonly snapshotKeep: number;
  /** Bytes a second. */
  readonly snapshotMaxRate: number;
  /** What this balancer is called where operators see several. */
  readonly name: string;
  /** Where metrics and status are served; empty for nowhere. */
  readonly observe: readonly TcpAddress[];
  /** Host names that requests may use there, in lower case, besides those of `observe`. */
  readonly observeNames: readonly string[];
  /** Where operators reach the running balancer. */
  readonly adminSocket: AdminSocket;
  readonly logLevel: (typeof logLevels)[number];
  /** `auto`: JSON on a pipe, readable on a terminal. */
  readonly logFormat: (typeof logFormats)[number];
}
