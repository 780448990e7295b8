/**
 * The guard of the leader notices at once that the leader is lost, and holds clients until another leads.
 *
 *   heartbeat of the leader ──► answered, cut ─────┐
 *   dials and probes it refuses ───────────────────┤
 *   polls: status of every member, who leads ──────┼──► hold.ts ──► onBegin, onEnd, onUnresponsive
 *   polls: reads through others, while in doubt ───┘
 *
 * How each loss is known:
 *   died       the kernel closes the heartbeat's connection; later a dial or a probe is refused
 *   hangs      the heartbeat is unanswered for longer than patience.ts allows, and other members answer
 *   steps down, is moved by another client, stops cleanly: it answers, or a read succeeds after its cut, so
 *              the hold lasts no longer than that read
 *
 * Owns one timer, and the state of the hold. hold.ts decides, schedule.ts says what is asked when, and the
 * callbacks carry out the hold.
 */
import type { LiveSettings } from '../config/live-settings.ts';
import type { Settings } from '../config/settings.ts';
import { attempt } from '../lib/unexpected.ts';
import type { Member } from '../members/member.ts';
import { Heartbeat, type HeartbeatOptions } from './heartbeat.ts';
import {
  type HoldEnd,
  type HoldEvent,
  type HoldRules,
  mustLeave,
  nextHold,
  unled,
} from './hold.ts';
import { type CurrentHold, type EndedHold, type HoldView, holdOf } from './hold-status.ts';
import { Patience } from './patience.ts';
import { Polls, type PollsOptions } from './polls.ts';
import {
  isInDoubt,
  nextHeartbeat,
  type Situation,
  untilNextRound,
  untilNextTick,
  waitingSince,
} from './schedule.ts';
import type { LeaderView } from './status-answer.ts';

export interface GuardOptions
  extends Pick<PollsOptions, 'open' | 'cluster'>,
    Pick<HeartbeatOptions, 'lookup' | 'tls' | 'isSelf'> {
  readonly settings: LiveSettings<Pick<Settings, 'hold' | 'inspectInterval'>>;
  readonly members: () => readonly Member[];
  /** For how long neither clients nor members have sent a byte, ms. */
  readonly quietFor: () => number;
  readonly onBegin: (hold: CurrentHold) => void;
  readonly onEnd: (hold: EndedHold) => void;
  /** The sessions of a hung leader must leave. Called once per hold. */
  readonly onUnresponsive: (leader: Member) => void;
}

/** A timer that is later than this, ms, shows an event-loop stall, which delays all answers too. */
const stallTolerance = 30;

export class LeaderGuard {
  readonly #options: GuardOptions;
  readonly #polls: Polls;
  #state = unled;
  /** The leader whose heartbeat is watched. */
  #watched: { readonly member: Member; readonly heartbeat: Heartbeat } | undefined;
  #patience = new Patience();
  #current: CurrentHold | undefined;
  #last: EndedHold | undefined;
  #hasLeft = false;
  #onMoveEnd: ((end: HoldEnd) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  /** When the last heartbeat was due. */
  #heartbeatAt = 0;
  #askedAllAt = Number.NEGATIVE_INFINITY;
  /** The number of voters at that time. */
  #voters = 0;
  #isRunning = false;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#polls = new Polls({
      ...options,
      onStatus: (view, askedAt) => this.#onStatus(view, askedAt),
      onRead: (askedAt) => this.#apply({ kind: 'read-succeeded', askedAt }),
    });
  }

  get view(): HoldView {
    return { limit: this.#limit, current: this.#current, last: this.#last };
  }

  /** The known leader, if it is a member. */
  get leader(): Member | undefined {
    const state = this.#state;
    return state.kind === 'unled' ? undefined : this.#polls.memberWith(state.leader.memberId);
  }

  /** The longest hold, ms; 0 for none. Without status polls the leader is unknown. */
  get #limit(): number {
    const { hold, inspectInterval } = this.#options.settings.current;
    return inspectInterval === 0 ? 0 : hold;
  }

  get #isMove(): boolean {
    return this.#state.kind === 'held' && this.#state.cause === 'planned';
  }

  get #rules(): HoldRules {
    return { limit: this.#limit, patience: this.#patience.current };
  }

  get #situation(): Situation {
    return {
      ...this.#rules,
      now: performance.now(),
      state: this.#state,
      quietFor: this.#options.quietFor(),
      heartbeatAt: this.#heartbeatAt,
      heartbeatSince: this.#watched?.heartbeat.waitingSince,
      readSince: this.#polls.readSince,
    };
  }

  /** Guards until `signal` aborts. Call it once. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#isRunning = true;
    this.#options.settings.onChange(() => this.#tick());
    this.#tick();
    signal.addEventListener('abort', () => this.#stop(), { once: true });
  }

  /** Reports that a member has refused a connection. */
  refused(member: Member): void {
    if (member === this.leader) this.#apply({ kind: 'leader-cut' });
  }

  /** Reports that a member has cut a session. If it is the leader, the guard sends a heartbeat at once. */
  sessionCut(member: Member): void {
    if (this.#watched?.member === member) this.#watched.heartbeat.ask(performance.now());
  }

  /** Forgets a member that has left. */
  forget(member: Member): void {
    if (member === this.leader) this.#apply({ kind: 'called-off' });
    this.#polls.forget(member);
  }

  /**
   * Holds clients for a move of the leader, until another member leads. Resolves with how the hold ended.
   * Undefined if nothing is held.
   */
  beginMove(): Promise<HoldEnd> | undefined {
    this.#apply({ kind: 'move-asked' });
    if (!this.#isMove) return undefined;
    const { promise, resolve } = Promise.withResolvers<HoldEnd>();
    this.#onMoveEnd = resolve;
    return promise;
  }

  /** Ends the hold of a move that does not take place. */
  cancelMove(): void {
    if (this.#isMove) this.#apply({ kind: 'called-off' });
  }

  #stop(): void {
    this.#isRunning = false;
    this.#apply({ kind: 'called-off' });
    this.#state = unled;
    this.#retarget();
    this.#polls.close();
    clearTimeout(this.#timer);
  }

  #tick(): void {
    clearTimeout(this.#timer);
    const late = performance.now() - this.#dueAt;
    if (late > stallTolerance) attempt(() => this.#apply({ kind: 'stalled', late }));
    // Timers run before sockets are read: an answer that has already arrived is in time.
    setImmediate(() => {
      if (!this.#isRunning) return;
      attempt(() => this.#evaluate());
      this.#arm();
    });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const wait = untilNextTick(this.#situation);
    this.#dueAt = performance.now() + wait;
    this.#timer = setTimeout(() => this.#tick(), wait);
  }

  #evaluate(): void {
    const before = this.#situation;
    const { now } = before;
    const isDue = now - this.#askedAllAt >= untilNextRound(before);
    if (isDue) this.#voters = this.#options.cluster.view.voters.length;
    if (this.#limit === 0 || this.#voters < 2) {
      this.#apply({ kind: 'called-off' });
      return;
    }
    this.#apply({ kind: 'time-passed', waitingSince: waitingSince(before) });
    if (!this.#hasLeft && mustLeave(this.#state, this.#rules, now)) {
      this.#hasLeft = true;
      const { leader } = this;
      if (leader !== undefined) this.#options.onUnresponsive(leader);
    }
    const after = { ...this.#situation, now };
    if (now >= nextHeartbeat(after)) {
      this.#heartbeatAt = now;
      this.#watched?.heartbeat.ask(now);
    }
    if (isInDoubt(after)) this.#askOthers(now);
    else if (isDue) {
      this.#askedAllAt = now;
      this.#polls.askStatus(this.#options.members(), now);
    }
  }

  /** Asks all members but the lost leader; during a move, the leader too. */
  #askOthers(now: number): void {
    const { leader } = this;
    const members = this.#options.members();
    const others = members.filter((member) => member !== leader);
    this.#polls.askStatus(this.#isMove ? members : others, now);
    if (!this.#isMove) this.#polls.askRead(others, now);
  }

  #onStatus({ memberId, leaderId, term }: LeaderView, askedAt: number): void {
    if (leaderId === memberId) {
      this.#apply({ kind: 'leader-seen', leader: { memberId, term }, askedAt });
    }
    const isOther = this.#state.kind === 'led' && this.#state.leader.memberId !== memberId;
    if (isOther) this.#apply({ kind: 'other-answered', askedAt });
  }

  #apply(event: HoldEvent): void {
    const before = this.#state;
    const now = performance.now();
    const { state, end } = nextHold(before, event, this.#rules, now);
    if (state === before) return;
    this.#state = state;
    this.#retarget();
    if (before.kind === 'held' && end !== undefined) this.#ended(end, now - before.since);
    if (state.kind === 'held' && before.kind !== 'held') {
      this.#began(holdOf(this.leader?.name, state), now);
    }
  }

  #began(hold: CurrentHold, now: number): void {
    this.#hasLeft = false;
    this.#current = hold;
    this.#options.onBegin(hold);
    // Ask at once for proof that there is a leader.
    this.#askOthers(now);
    this.#arm();
  }

  #ended(end: HoldEnd, duration: number): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    const successor = end === 'elected' ? this.leader?.name : undefined;
    this.#last = { ...current, end, successor, duration };
    this.#options.onEnd(this.#last);
    this.#onMoveEnd?.(end);
    this.#onMoveEnd = undefined;
    // Ask at once who leads: the next leader may be lost soon, too.
    this.#askedAllAt = Number.NEGATIVE_INFINITY;
  }

  /** Watches the heartbeat of the current leader. */
  #retarget(): void {
    const { leader } = this;
    if (leader === this.#watched?.member) return;
    this.#watched?.heartbeat.close();
    this.#watched = undefined;
    this.#patience = new Patience();
    if (leader === undefined || !this.#options.members().includes(leader)) return;
    const { lookup, tls, isSelf } = this.#options;
    const heartbeat = new Heartbeat({
      ...{ url: leader.checkUrl, lookup: leader.lookup ?? lookup, tls, isSelf },
      onAnswer: (askedAt, duration) => {
        this.#patience.learn(duration);
        this.#polls.forgetReads();
        this.#apply({ kind: 'leader-answered', askedAt });
        this.#arm(); // no tick is needed before the next heartbeat
      },
      onCut: () => this.#apply({ kind: 'leader-cut' }),
    });
    this.#watched = { member: leader, heartbeat };
  }
}
