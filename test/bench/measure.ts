/**
 * A measure: what is done with one contestant in one round, and which figures come of it.
 *
 * Owns the vocabulary of all measures. Each is a value in measure/; run.ts runs one.
 */
import type { Endpoint, Running, StartOptions } from '../contestants/contestant.ts';
import type { EtcdLb } from '../contestants/etcd-lb.ts';
import type { Child } from '../machine/child.ts';
import type { Backends } from './backend/backends.ts';

/** How much is done. */
export interface Pace {
  /** Small calls of a closed loop. */
  readonly calls: number;
  /** Calls before those that count: etcd, and code that is compiled when it is hot. */
  readonly warmUp: number;
  /** Calls one after the other on one connection. */
  readonly singleCalls: number;
  /** How long a load at a fixed rate lasts, s. */
  readonly steady: number;
  /** Answers of 1 MB. */
  readonly largeCalls: number;
  /** Bytes of one long stream. */
  readonly stream: number;
  /** How long new connections are opened, s, and how long before that counts. */
  readonly connecting: number;
  readonly connectingBefore: number;
  /** Starts of which the median counts. */
  readonly starts: number;
  /** How long nothing happens, ms. */
  readonly idle: number;
}

export const fullPace: Pace = {
  ...{ calls: 30_000, warmUp: 20_000, singleCalls: 2_000, steady: 3, largeCalls: 300 },
  ...{ stream: 1_000_000_000, connecting: 2, connectingBefore: 3, starts: 3, idle: 10_000 },
};
export const shortPace: Pace = {
  ...{ calls: 20_000, warmUp: 4_000, singleCalls: 1_000, steady: 1.5, largeCalls: 150 },
  ...{ stream: 200_000_000, connecting: 1, connectingBefore: 1, starts: 3, idle: 5_000 },
};

/** One number that a measure gives. */
export interface Figure {
  /** Unique among all measures. */
  readonly key: string;
  readonly what: string;
  readonly unit: string;
  /** Is a smaller number the better one? */
  readonly better: 'less' | 'more';
  /** Shown in the chart. */
  readonly main?: true;
  /** Also told as what it adds to no proxy. */
  readonly added?: true;
}

/** By the key of the figure. Absent: not to be had of this contestant. */
export type Figures = Readonly<Record<string, number>>;

export interface Scene {
  readonly pace: Pace;
  readonly backends: Backends;
  /** A folder that is gone after this measure. */
  readonly folder: string;
  /** Starts the contestant, which is ended after the measure. */
  readonly start: (endpoints: readonly Endpoint[], options?: SceneOptions) => Promise<Started>;
  /** Has something ended after the measure. */
  readonly use: <T extends AsyncDisposable>(part: T) => T;
}

export type SceneOptions = Pick<
  StartOptions,
  'port' | 'checkPort' | 'inspected' | 'tls' | 'serve' | 'followCalls'
>;

/** The contestant at work. */
export interface Started extends Running {
  /** The address that load goes to. */
  readonly address: string;
  readonly etcdLb: EtcdLb | undefined;
}

export interface Measure {
  readonly name: string;
  /** One sentence. */
  readonly what: string;
  readonly figures: readonly Figure[];
  /** Part of the short form. */
  readonly short?: true;
  /** Nothing to be measured where there is no process. */
  readonly needsProcess?: true;
  /** Only these contestants. */
  readonly only?: readonly string[];
  /** No more rounds than this. */
  readonly rounds?: number;
  /** Only when it is asked for by name. */
  readonly onlyNamed?: true;
  readonly run: (scene: Scene) => Promise<Figures>;
}

/** The process of a contestant that has one. Throws otherwise: the measure needs one. */
export function processOf({ child }: Running): Child {
  if (child === undefined) throw new Error('This contestant has no process.');
  return child;
}
