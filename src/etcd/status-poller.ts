/**
 * When members are asked what they are: now and then while all is well, at once when a verdict has
 * changed, and often while the cluster has no leader.
 *
 * Owns one timer and one client a member. Never on the data path, and nothing waits for it. Leaves to
 * others what a member is asked (etcd-client.ts) and what its answer means (cluster.ts).
 */

import { nextInStep } from '../lib/step.ts';
import { attempt } from '../lib/unexpected.ts';
import type { Member } from '../members/member.ts';
import type { MemberStatus, PollResult } from './member-status.ts';

/** Asks one member. */
export interface StatusClient {
  /** Rejects with an error of one clause for people. */
  inspect(): Promise<MemberStatus>;
  close(): void;
}

export interface StatusPollerOptions {
  /** Those there are. */
  readonly members: () => readonly Member[];
  readonly open: (member: Member) => StatusClient;
  /** Between two inspections of a member, ms; 0 for none at all. */
  readonly interval: number;
  /** Is there a leader, as far as is known? If not, members are asked often. */
  readonly isSettled: () => boolean;
  readonly onInspection: (member: Member, inspection: PollResult) => void;
}

/** Between the starts of two inspections of a member at least, ms, and while there is no leader. */
const fastInterval = 250;
/** Fast intervals vary by up to this share either way: who has no leader is not asked in step. */
const jitter = 0.1;

export class StatusPoller {
  readonly #options: StatusPollerOptions;
  readonly #rounds = new Map<Member, Round>();
  #signal: AbortSignal | undefined;

  constructor(options: StatusPollerOptions) {
    this.#options = options;
  }

  /** Starts to ask every member and goes on until `signal` aborts. Call it once. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#signal = signal;
    this.restart();
    signal.addEventListener('abort', () => this.#stop(), { once: true });
  }

  /** Asks everybody anew: how, or how often, has changed. */
  restart(): void {
    this.#stop();
    for (const member of this.#options.members()) this.add(member);
  }

  /** Takes in a member that has joined. */
  add(member: Member): void {
    const isOn = this.#signal?.aborted === false && this.#options.interval > 0;
    if (isOn) this.#rounds.set(member, new Round(member, this.#options));
  }

  /** Forgets a member that has left. */
  remove(member: Member): void {
    this.#rounds.get(member)?.stop();
    this.#rounds.delete(member);
  }

  /** Has every member asked at once: something about the cluster has changed. */
  pollAllNow(): void {
    for (const round of this.#rounds.values()) round.hurry();
  }

  #stop(): void {
    for (const round of this.#rounds.values()) round.stop();
    this.#rounds.clear();
  }
}

/** The inspections of one member, one after the other. */
class Round {
  readonly #member: Member;
  readonly #options: StatusPollerOptions;
  readonly #inquirer: StatusClient;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = Number.NEGATIVE_INFINITY;
  #asking = false;
  /** The first question is in a hurry. */
  #hurried = true;
  #stopped = false;

  constructor(member: Member, options: StatusPollerOptions) {
    this.#member = member;
    this.#options = options;
    this.#inquirer = options.open(member);
    this.#arm();
  }

  hurry(): void {
    if (this.#hurried) return;
    this.#hurried = true;
    if (!this.#asking) this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#inquirer.close();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const { interval, isSettled } = this.#options;
    const fast = this.#hurried || !isSettled();
    const soon = this.#startedAt + Math.min(fastInterval, interval) * this.#variation();
    const due = fast ? soon : nextInStep(Math.max(soon, performance.now()), interval);
    this.#timer = setTimeout(
      () => void this.#ask(),
      Math.max(0, Math.ceil(due - performance.now())),
    );
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    this.#hurried = false;
    this.#startedAt = performance.now();
    const inspection = await this.#inquirer.inspect().then(
      (facts): PollResult => ({ kind: 'known', facts }),
      (error: Error): PollResult => ({ kind: 'unknown', why: error.message }),
    );
    this.#asking = false;
    if (this.#stopped) return;
    attempt(() => this.#options.onInspection(this.#member, inspection));
    // It may have led to a stop.
    if (!this.#stopped) this.#arm();
  }

  #variation(): number {
    return 1 + jitter * (2 * Math.random() - 1);
  }
}
