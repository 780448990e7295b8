/**
 * The guard of the leader: knows at once that it is lost, and holds what clients send until another leads.
 *
 *   heartbeat of the leader ──► answered, cut ─────┐
 *   dials and probes it refuses ───────────────────┤
 *   polls: status of every member, who leads ──────┼──► hold.ts ──► onBegin, onEnd, onUnresponsive
 *   polls: reads through others, while in doubt ───┘
 *
 * How each loss is known:
 *   died       the kernel closes the heartbeat's connection; later a dial or a probe is refused
 *   hangs      the heartbeat is unanswered for longer than patience.ts allows, and the others do answer
 *   steps down, is moved from elsewhere, stops cleanly: it answers, or its cut is followed by a read that
 *              succeeds, so nothing is held for longer than that read takes
 *
 * Owns one timer, and the state of the hold. hold.ts decides, schedule.ts says what is asked when, and
 * whoever is told holds.
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
  /** For how long neither a client nor a member has said anything, ms. */
  readonly quietFor: () => number;
  readonly onBegin: (hold: CurrentHold) => void;
  readonly onEnd: (hold: EndedHold) => void;
  /** The sessions of a leader that hangs must leave. Told once in a hold. */
  readonly onUnresponsive: (leader: Member) => void;
}

/** A timer that is later than this, ms, was kept from running, and with it all answers. */
const stallTolerance = 30;

export class LeaderGuard {
  readonly #options: GuardOptions;
  readonly #polls: Polls;
  #state = unled;
  /** The leader that is listened to, and how long it may take. */
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
  /** How many members vote, as of that time. */
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

  /** The member that leads, as far as is known. */
  get leader(): Member | undefined {
    const state = this.#state;
    return state.kind === 'unled' ? undefined : this.#polls.memberWith(state.leader.memberId);
  }

  /** The longest hold, ms; 0 for none. Without questions to members nobody knows who leads. */
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

  /** A member has refused a connection. */
  refused(member: Member): void {
    if (member === this.leader) this.#apply({ kind: 'leader-cut' });
  }

  /** A member has cut a session: if it is the leader it is asked at once whether it is there. */
  sessionCut(member: Member): void {
    if (this.#watched?.member === member) this.#watched.heartbeat.ask(performance.now());
  }

  /** Forgets a member that has left. */
  forget(member: Member): void {
    if (member === this.leader) this.#apply({ kind: 'called-off' });
    this.#polls.forget(member);
  }

  /**
   * Holds until another member leads, since the leader is to be moved. Resolves with how that has ended;
   * undefined where nothing is held.
   */
  beginMove(): Promise<HoldEnd> | undefined {
    this.#apply({ kind: 'move-asked' });
    if (!this.#isMove) return undefined;
    const { promise, resolve } = Promise.withResolvers<HoldEnd>();
    this.#onMoveEnd = resolve;
    return promise;
  }

  /** The leader is not moved after all. */
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
    // Timers run before sockets are read: what has arrived by now is an answer in time.
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

  /** Everybody but the leader that is lost; also that one where it is to be moved. */
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
    // The proof of the opposite is asked for at once.
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
    // Who leads now is to be known before it is lost in turn.
    this.#askedAllAt = Number.NEGATIVE_INFINITY;
  }

  /** Listens to the heartbeat of whoever leads. */
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
        this.#arm(); // the next look is not before the next question
      },
      onCut: () => this.#apply({ kind: 'leader-cut' }),
    });
    this.#watched = { member: leader, heartbeat };
  }
}
