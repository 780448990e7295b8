/**
 * The member table: every member's verdict, and the snapshot published from them.
 *
 *   probes ──┐
 *            ├─ observe() ──► verdict of that member ──► routing of all ──► snapshot ──► data path
 *   dials ───┘                        │
 *                                     └──► onChange: events, evictions
 *
 * Owns the current state, nothing else: the rules are in verdict.ts and routing.ts, both pure.
 */
import type { Candidate, Snapshot } from '../balance/snapshot.ts';
import { afterFailure, type Damping, holdTime, undamped } from './damping.ts';
import { type RoutingMode, route } from './routing.ts';
import {
  acceptsNew,
  type Health,
  nextHealth,
  type Observation,
  unknownHealth,
  type VerdictRules,
} from './verdict.ts';

/** A member, the current verdict on it, and what its past adds to its next recovery. */
export interface MemberEntry {
  readonly candidate: Candidate;
  readonly health: Health;
  readonly damping: Damping;
}

/** The counts are the operator's; the hold follows from each member's past. */
export type TableRules = Omit<VerdictRules, 'hold'>;

/** What one observation changed: the state of a member, and perhaps of the whole. */
export interface TableChange {
  readonly member: {
    readonly candidate: Candidate;
    readonly from: Health;
    readonly to: Health;
    /** How long it has to pass its checks before it is restored, ms; 0 for `rise` checks. */
    readonly hold: number;
  };
  readonly mode?: { readonly from: RoutingMode; readonly to: RoutingMode };
  /** Members whose sessions must leave now; the same member may be named in several changes. */
  readonly evict: readonly Candidate[];
}

export class MemberTable {
  readonly #rules: TableRules;
  readonly #onChange: (change: TableChange) => void;
  #entries: readonly MemberEntry[];
  #mode: RoutingMode;
  #snapshot: Snapshot;

  /**
   * @param candidates the members, in the configured order; at least one.
   * @param now ms since the epoch.
   * @param onChange called after the snapshot was replaced, in the same tick as the observation.
   */
  constructor(
    candidates: readonly Candidate[],
    rules: TableRules,
    now: number,
    onChange: (change: TableChange) => void,
  ) {
    this.#rules = rules;
    this.#onChange = onChange;
    this.#entries = candidates.map((candidate) => ({
      candidate,
      health: unknownHealth(now),
      damping: undamped,
    }));
    const { mode, snapshot } = derive(this.#entries);
    this.#mode = mode;
    this.#snapshot = snapshot;
  }

  /** Where connections may go at this moment. */
  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get mode(): RoutingMode {
    return this.#mode;
  }

  get entries(): readonly MemberEntry[] {
    return this.#entries;
  }

  /** The verdict on one member of the table. Throws for a candidate that is not in it. */
  health(candidate: Candidate): Health {
    return this.#entry(candidate).health;
  }

  /** Takes in what was seen of a member, at `now` (ms since the epoch). */
  observe(candidate: Candidate, observation: Observation, now: number): void {
    const { health: from, damping: before } = this.#entry(candidate);
    // Nobody is made to wait while nobody is healthy.
    const hold = this.#mode === 'normal' ? holdTime(before) : 0;
    const to = nextHealth(from, observation, { ...this.#rules, hold }, now);
    if (to === from) return;
    const lost = acceptsNew(from) && !acceptsNew(to);
    const damping = lost ? afterFailure(before, now) : before;
    this.#entries = this.#entries.map((entry) =>
      entry.candidate === candidate ? { candidate, health: to, damping } : entry,
    );
    if (to.state === from.state) return; // more evidence for the same verdict
    const past = this.#mode;
    const { mode, snapshot } = derive(this.#entries);
    this.#mode = mode;
    this.#snapshot = snapshot;
    this.#onChange({
      member: { candidate, from, to, hold },
      ...(mode === past ? {} : { mode: { from: past, to: mode } }),
      evict: [...snapshot.evicted],
    });
  }

  #entry(candidate: Candidate): MemberEntry {
    const entry = this.#entries.find((each) => each.candidate === candidate);
    if (entry === undefined) throw new Error(`${candidate.name} is not in the member table`);
    return entry;
  }
}

function derive(entries: readonly MemberEntry[]): { mode: RoutingMode; snapshot: Snapshot } {
  const routing = route(entries.map((entry) => entry.health));
  const all = entries.map((entry) => entry.candidate);
  return {
    mode: routing.mode,
    snapshot: {
      routable: all.filter((_, index) => routing.routable[index]),
      all,
      evicted: new Set(all.filter((_, index) => routing.evict[index])),
    },
  };
}
