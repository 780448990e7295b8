/** What a schedule can do with a cluster: its processes, its network, its list of members. */

import type { Certificates } from '../../support/certificates.ts';

/** Takes back what was broken. Resolves when it is taken back; does nothing the second time. */
export type Mend = () => Promise<void>;

/** Whose packets at a member. */
export type Peer = 'balancer' | 'peers';
/** Which of them, as the member sees it. */
export type Way = 'in' | 'out' | 'both';
/** What becomes of them: dropped, a third dropped at random, or answered with a reset. */
export type Harm = 'drop' | 'lossy' | 'reset';

export type MemberState = 'running' | 'paused' | 'stopped' | 'removed';

export interface ChaosMember {
  readonly name: string;
  /** `http://10.0.0.1:2379`, or https. */
  readonly clientUrl: string;
  readonly state: MemberState;
  readonly isLearner: boolean;
  /** As etcd has it, decimal; known once the cluster is up. */
  readonly id: string;
  /** SIGKILL unless given; resolves when it has ended. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it again on its data; resolves when it accepts connections. */
  start(): Promise<void>;
  pause(): void;
  resume(): void;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface ChaosCluster extends AsyncDisposable {
  /** Those that are in it now, and those that were removed, as they came. */
  readonly members: readonly ChaosMember[];
  /** Files that a client and the balancer need, where members speak mutual TLS. */
  readonly certificates: Pick<Certificates, 'ca' | 'client' | 'issue'> | undefined;
  readonly etcd: { readonly etcd: string; readonly etcdctl: string };
  /** The folder with the data and logs of members: `m0.log`. */
  readonly folder: string;
  /**
   * Asks a member over HTTP from an address of our own, which no fault cuts off; POST with a body.
   * Rejects when there is no answer within `patience` ms.
   */
  ask(member: ChaosMember, path: string, body?: string, patience?: number): Promise<Answer>;
  /** Resolves when every member that runs answers a linearizable /health; rejects after 30 s. */
  ready(): Promise<void>;
  cut(member: ChaosMember, peer: Peer, way: Way, harm: Harm): Promise<Mend>;
  /** What the member says to the balancer passes at so many kB a second, and waits in a queue. */
  slow(member: ChaosMember, kilobytes: number): Promise<Mend>;
  /** Each flush of its log takes so many ms longer. */
  slowDisk(member: ChaosMember, ms: number): Promise<Mend>;
  /** Adds one to the cluster's list and starts it. Names are never used twice. */
  add(options: { readonly learner: boolean }): Promise<ChaosMember>;
  promote(member: ChaosMember): Promise<void>;
  /** Takes it off the list, and ends its process. */
  remove(member: ChaosMember): Promise<void>;
  /** Removes it and adds another with an empty disk at the same address. */
  replace(member: ChaosMember): Promise<ChaosMember>;
}
