/**
 * What a fault hits, and when: the excuses of calls that fail. A call has an excuse when it began before the
 * hit was over and had not ended before it began, and was where the hit was.
 */
import { now } from '../clients/record.ts';

/** Where: on that member; everywhere, as where it leads; or at clients that connect in that time. */
export type Reach = { readonly member: string } | 'everywhere' | 'new-connections';

export interface Hit {
  /** A clause, such as `m1 was killed`. */
  readonly what: string;
  /** ms, on the clock of records. */
  readonly from: number;
  /** Calls that began later have no excuse by it; Infinity while it lasts. */
  readonly until: number;
  readonly reach: Reach;
  /** Only failures that say so. */
  readonly errors?: RegExp;
  /** A call that waits there for longer has no excuse: by then its session is closed. */
  readonly endsBy?: number;
}

/** One that lasts. */
export class OpenHit implements Hit {
  readonly what: string;
  readonly from = now();
  readonly reach: Reach;
  readonly errors?: RegExp;
  until = Number.POSITIVE_INFINITY;
  endsBy = Number.POSITIVE_INFINITY;

  constructor(what: string, reach: Reach, errors?: RegExp) {
    this.what = what;
    this.reach = reach;
    if (errors) this.errors = errors;
  }

  /** It is over in so many ms, unless it was before. */
  end(grace: number): void {
    this.until = Math.min(this.until, now() + grace);
  }

  /** Whoever is there is closed by the balancer so many ms from now. */
  closes(within: number): void {
    this.endsBy = now() + within;
  }
}

/** All of a run. */
export class Hits {
  readonly all: OpenHit[] = [];

  begin(what: string, reach: Reach, errors?: RegExp): OpenHit {
    const hit = new OpenHit(what, reach, errors);
    this.all.push(hit);
    return hit;
  }
}
