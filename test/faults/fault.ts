/**
 * A fault: what is broken and mended again while clients work, and what etcd-lb must show then.
 *
 * Owns the vocabulary of all faults. Each fault is a value in fault/; run.ts runs one against one
 * contestant.
 */

import type { Endpoint, Running, StartOptions } from '../contestants/contestant.ts';
import type { EtcdLb } from '../contestants/etcd-lb.ts';
import type { NameServer } from '../machine/name-server.ts';
import type { FaultCluster } from './cluster/member.ts';
import type { SlowRelay } from './cluster/slow-relay.ts';
import type { Where } from './load/client.ts';
import type { LoadSummary } from './load/summary.ts';
import type { EtcdRelease, Size } from './setting.ts';

/** How long things last, ms: short in the tests, as the issue has it in `npm run faults`. */
export interface Pace {
  /** A hang, a black hole. */
  readonly hang: number;
  /** How long a killed member is away. */
  readonly down: number;
  /** From the end of a leader's process until it is started again. */
  readonly back: number;
  /** How long two of three members are away. */
  readonly quorum: number;
  /** How long strains last that are no fault of a leader, all together. */
  readonly steady: number;
  /** How long a hostile neighbour is at it, and how long memory has to come back then. */
  readonly hostile: number;
  readonly settle: number;
  /** How often leadership is moved. */
  readonly moves: number;
  /** Calm before the fault and after its end. */
  readonly calm: number;
  /** How long we wait for sessions to be spread evenly again. */
  readonly balance: number;
  /** Are clients measured that were on other members all the time? For comparison only. */
  readonly elsewhere: boolean;
  /** Sessions on the member that dies. */
  readonly crowd: number;
}

export const fullPace: Pace = {
  ...{ hang: 20_000, down: 12_000, calm: 3_000, balance: 15_000, crowd: 2_000 },
  ...{ back: 4_000, quorum: 30_000, steady: 600_000, moves: 100 },
  ...{ hostile: 60_000, settle: 10_000 },
  elsewhere: true,
};
export const abridgedPace: Pace = {
  ...{ hang: 5_000, down: 2_000, calm: 500, balance: 10_500, crowd: 2_000 },
  ...{ back: 2_000, quorum: 8_000, steady: 20_000, moves: 10 },
  ...{ hostile: 8_000, settle: 5_000 },
  elsewhere: false,
};

/** What a fault needs in place before the contestant starts. */
export interface Props {
  /** What the contestant is given instead of the members themselves. */
  readonly endpoints?: readonly Endpoint[];
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly relay?: SlowRelay;
  readonly names?: NameServer;
  /** Steps the contestant's wall clock, by so many seconds from its true time. */
  readonly stepClock?: (seconds: number) => Promise<void>;
}

export interface Scene {
  readonly cluster: FaultCluster;
  readonly contestant: Running;
  /** The contestant, when it is etcd-lb: it can be asked. */
  readonly etcdLb: EtcdLb | undefined;
  readonly pace: Pace;
  readonly props: Props;
  /** Where the contestant connects to. */
  readonly endpoints: readonly Endpoint[];
  /** Where its clients connect to, and with what. */
  readonly where: Where;
  /** What the contestant was started with; its folder takes files of the fault as well. */
  readonly startOptions: StartOptions;
  /** To be called right before something is broken; returns the moment, ms. */
  readonly breaking: (what?: string) => number;
  /** Keeps what was done and when, to lay beside the logs. */
  readonly note: (what: string) => void;
  /** To be called when the cluster has a leader again after that. */
  readonly servesAgain: () => void;
}

/** What a fault measured beside the load. Absent: not measured for this contestant. */
export interface Figures {
  /** From the fault until the others had another leader, ms. */
  readonly election?: number;
  /** Sessions on the member in question just before. */
  readonly sessionsThere?: number;
  /** From the fault until the member got no new connections, ms. */
  readonly withdrawn?: number;
  /** From recovery until sessions were spread evenly, s; Infinity when we stopped waiting. */
  readonly balanced?: number;
  /** Sessions that etcd-lb closed on members that it should have left alone. */
  readonly evictedWrongly?: number;
  /** From the end of the fault until etcd-lb found every member healthy, s. */
  readonly recovered?: number;
  /** 1 when the contestant said what was wrong, else 0. */
  readonly saidSo?: number;
  /** From a quorum's return until requests were served, ms. */
  readonly servedAgain?: number;
  /** Slowest of a few new clients' first answers, ms; Infinity when one got none. */
  readonly newClient?: number;
  /** From the death of the member until as many sessions were open as before, ms. */
  readonly rehomed?: number;
  /** Then: fullest minus emptiest member, in percent of the mean. */
  readonly spread?: number;
  /** Longest that a member that runs got no new connections while others did, ms. */
  readonly unused?: number;
  /** Slowest of a few new connections' first bytes while a member was a black hole, ms. */
  readonly slowestDial?: number;
  /** Failed requests of as many clients that were on the other members all the time. */
  readonly failedElsewhere?: number;
  /** Times that etcd-lb held its clients. */
  readonly holds?: number;
  /** The longest of them, ms; Infinity when one did not end. */
  readonly longestHold?: number;
  /** Times while the cluster had no leader; see the fault. */
  readonly holdsWithoutLeader?: number;
  /** From the loss of the quorum until a client was told so by etcd, ms. */
  readonly toldByEtcd?: number;
  /** Elections that nobody asked for, by raft's term. */
  readonly elections?: number;
  /** p99 of honest clients before a hostile neighbour came, and beside it, ms. */
  readonly quietP99?: number;
  readonly hostileP99?: number;
  /** Calls of theirs that failed beside it. */
  readonly failedHonest?: number;
  /** Memory that the contestant has more than before when it is gone, MB. */
  readonly memoryKept?: number;
  /** Calls a second under full load. */
  readonly callsPerSecond?: number;
  /** What the clients of this fault needed that knew the members themselves, ms. */
  readonly directP99?: number;
}

export interface Outcome {
  readonly load: LoadSummary | undefined;
  readonly figures: Figures;
  /** Failures of clients that knew the members: measured in this run, or the least it must be. */
  readonly directFailures: number;
}

/** One sentence of the issue, with what was measured. */
export interface Bound {
  readonly what: string;
  readonly measured: number;
  readonly limit: number;
  readonly sense: 'at most' | 'at least';
  /** Does it depend on the machine's speed? Then `npm run faults` asserts it, and a test does not. */
  readonly timed: boolean;
}

export interface Fault {
  readonly name: string;
  /** One sentence. */
  readonly what: string;
  /** How many it needs, or has if nobody asks for another number. */
  readonly members: Size;
  /** Does it make sense with any number of them? */
  readonly anySize?: boolean;
  /** The only release that it can begin with. */
  readonly onlyEtcd?: EtcdRelease;
  /** Are members not what they were, so that no other fault can use the cluster? */
  readonly changesCluster?: boolean;
  /** `namespaces` where the network itself is broken; needs root. */
  readonly network: 'loopback' | 'namespaces';
  /** Without the usual clients, where the fault brings its own. */
  readonly unloaded?: boolean;
  /** For clients that connect by themselves there is nothing to break. */
  readonly needsProcess?: boolean;
  /** Only etcd-lb can be asked what this fault is about. */
  readonly onlyEtcdLb?: boolean;
  readonly props?: (
    endpoints: readonly Endpoint[],
    parts: AsyncDisposableStack,
    folder: string,
  ) => Promise<Props>;
  readonly act: (scene: Scene) => Promise<Figures>;
  /** Is nobody there for longer than leases live, so that they expire whoever balances? */
  readonly outlastsLeases?: boolean;
  /** What must show on etcd-lb, beside what must always show. */
  readonly bounds: (outcome: Outcome) => readonly Bound[];
}

export function atMost(limit: number, what: string, measured: number | undefined): Bound {
  return { what, measured: measured ?? Number.NaN, limit, sense: 'at most', timed: false };
}

/** At most, on a machine that has nothing else to do. */
export function within(limit: number, what: string, measured: number | undefined): Bound {
  return { ...atMost(limit, what, measured), timed: true };
}

export function atLeast(limit: number, what: string, measured: number | undefined): Bound {
  return { what, measured: measured ?? Number.NaN, limit, sense: 'at least', timed: false };
}

export function isMet({ measured, limit, sense }: Bound): boolean {
  return sense === 'at most' ? measured <= limit : measured >= limit;
}

export function inWords(bound: Bound): string {
  const { what, measured, limit, sense } = bound;
  return `${what}: ${round(measured)}, must be ${sense} ${round(limit)}`;
}

/** etcd-lb's default for `--hold`, and what a busy machine may add to it, ms. */
export const holdLimit = 4_000 + 250;

/** What must show whatever was broken. */
export function always(
  { load, figures }: Outcome,
  { outlastsLeases }: Pick<Fault, 'outlastsLeases'>,
): readonly Bound[] {
  const { longestHold } = figures;
  const hold =
    longestHold === undefined ? [] : [within(holdLimit, 'longest hold (ms)', longestHold)];
  if (load === undefined) return hold;
  return [
    ...hold,
    atMost(0, 'watch events lost', load.watchLost),
    atMost(0, 'watch events doubled', load.watchDoubled),
    ...(outlastsLeases ? [] : [atMost(0, 'leases lost', load.leasesLost)]),
  ];
}

function round(value: number): string {
  return Number.isFinite(value) ? String(Math.round(value * 10) / 10) : String(value);
}
