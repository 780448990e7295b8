/** All raw samples of a run, and what is computed from them. */
import type { Figures } from './measure.ts';
import {
  type ByRound,
  median,
  medianDifference,
  medianRatio,
  type Spread,
  spread,
} from './statistics.ts';

/** One measure with one contestant in one round. */
export interface Sample {
  readonly round: number;
  readonly measure: string;
  readonly contestant: string;
  readonly figures: Figures;
  /** CPU time that the host gave to others meanwhile, percent of all. */
  readonly stolen?: number;
  /** Why there are no figures. */
  readonly error?: string;
}

/** One figure of one contestant over all rounds. */
export interface Summary extends Spread {
  readonly rounds: number;
  /** Median of the ratios within rounds; NaN where the other was not measured. */
  readonly toHaproxy: number;
  readonly toDirect: number;
  /** Median of the differences to no proxy within rounds. */
  readonly added: number;
}

export class Results {
  readonly samples: Sample[] = [];

  add(sample: Sample): void {
    this.samples.push(sample);
  }

  get broken(): readonly Sample[] {
    return this.samples.filter(({ error }) => error !== undefined);
  }

  /** The names of the contestants that were measured, in the order of their first sample. */
  get contestants(): readonly string[] {
    return [...new Set(this.samples.map(({ contestant }) => contestant))];
  }

  byRound(key: string, contestant: string): ByRound {
    return new Map(
      this.samples.flatMap((sample) => {
        const value = sample.contestant === contestant ? sample.figures[key] : undefined;
        return value === undefined ? [] : [[sample.round, value] as const];
      }),
    );
  }

  /** NaN when it was not measured. */
  median(key: string, contestant: string): number {
    return median([...this.byRound(key, contestant).values()]);
  }

  /** Undefined when it was not measured. */
  summary(key: string, contestant: string): Summary | undefined {
    const values = this.byRound(key, contestant);
    if (values.size === 0) return undefined;
    const direct = this.byRound(key, 'direct');
    return {
      ...spread([...values.values()]),
      rounds: values.size,
      toHaproxy: medianRatio(values, this.byRound(key, 'haproxy')),
      toDirect: medianRatio(values, direct),
      added: medianDifference(values, direct),
    };
  }
}
