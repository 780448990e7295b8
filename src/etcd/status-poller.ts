/**
 * The status poller asks members for their status: rarely while all is well, at once when the health state of
 * one has changed, and often while the cluster has no leader.
 *
 * Owns one schedule and one client per member. The data path never waits for it. etcd-client.ts makes the
 * request, and cluster.ts interprets the answer.
 */
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import { Schedule } from '../lib/time/schedule.ts';
import { attempt } from '../lib/unexpected.ts';
import type { Member } from '../members/member.ts';
import type { MemberStatus, PollResult } from './status/member-status.ts';

/** A client of one member. */
export interface StatusClient {
  /** Rejects with an error of one clause for people. */
  status(): Promise<MemberStatus>;
  close(): void;
}

export interface StatusPollerOptions {
  /** The current members. */
  readonly members: () => readonly Member[];
  readonly open: (member: Member) => StatusClient;
  readonly settings: LiveSettings<Pick<Settings, 'inspectInterval'>>;
  /** If false, members are asked often; see `Cluster.isSettled`. */
  readonly isSettled: () => boolean;
  readonly onResult: (member: Member, result: PollResult) => void;
}

/** The least interval between two polls of a member, ms; also the interval while there is no leader. */
const fastInterval = 250;

export class StatusPoller {
  readonly #options: StatusPollerOptions;
  /** With what asks the member at once. */
  readonly #schedules = new Map<Schedule, () => Promise<void>>();
  #signal: AbortSignal | undefined;
  /** Stops the polls that began with the last restart. */
  #round = new AbortController();

  constructor(options: StatusPollerOptions) {
    this.#options = options;
  }

  /** Polls every member until `signal` aborts. Call it once. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    this.restart();
  }

  /** Starts anew with all members, after a change of settings. */
  restart(): void {
    this.#round.abort();
    this.#round = new AbortController();
    for (const member of this.#options.members()) this.add(member);
  }

  /** Adds a member that has joined. It is polled until it leaves. */
  add(member: Member): void {
    const { settings, isSettled, open } = this.#options;
    if (this.#signal === undefined || this.#signal.aborted) return;
    if (settings.current.inspectInterval === 0) return;
    const signal = AbortSignal.any([this.#signal, this.#round.signal, member.gone]);
    const client = open(member);
    const ask = (): Promise<void> => this.#ask(member, client, signal);
    const interval = (): number => settings.current.inspectInterval;
    const schedule = new Schedule(
      {
        interval,
        fastInterval: () => Math.min(fastInterval, interval()),
        isCalm: isSettled,
        work: () => void ask().then(() => schedule.arm()),
      },
      signal,
    );
    this.#schedules.set(schedule, ask);
    const onStop = (): void => {
      this.#schedules.delete(schedule);
      client.close();
    };
    signal.addEventListener('abort', onStop, { once: true });
    schedule.arm();
  }

  /** Polls every member soon: something about the cluster has changed. */
  pollAllNow(): void {
    for (const schedule of this.#schedules.keys()) schedule.soon();
  }

  /** Polls every member at once. Resolves when all have answered or failed; at once if polls are off. */
  async pollAll(): Promise<void> {
    await Promise.all(this.#schedules.values().map((ask) => ask()));
  }

  async #ask(member: Member, client: StatusClient, signal: AbortSignal): Promise<void> {
    const result = await client.status().then(
      (status): PollResult => ({ kind: 'known', status }),
      (error: Error): PollResult => ({ kind: 'unknown', why: error.message }),
    );
    if (!signal.aborted) attempt(() => this.#options.onResult(member, result));
  }
}
