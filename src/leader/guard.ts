/**
 * The guard of the leader: knows at once that it is lost, and holds what clients send until another leads.
 *
 *   heartbeat of the leader ──► answered, cut ─────┐
 *   dials and checks it refuses ───────────────────┤
 *   polls: status of every member, who leads ──────┼──► hold.ts ──► onBegin, onEnd, onUnresponsive
 *   polls: reads through others, while in doubt ───┘
 *
 * How each loss is known:
 *   died       the heartbeat's connection is closed by the kernel; later a dial or a check is refused
 *   hangs      the heartbeat is unanswered for longer than patience.ts allows, and the others do answer
 *   steps down, is moved from elsewhere, stops in order: it answers, or its cut is followed by a read that
 *              succeeds, so nothing is held for longer than that read takes
 *
 * Owns one timer, and what is asked when. Leaves the decision to hold.ts, and what is held to whoever is
 * told.
 */
import type { LookupFunction, Socket } from 'node:net';
import type { MemberTls } from '../certificates/certificates.ts';
import { nextInStep } from '../lib/step.ts';
import { attempt } from '../lib/unexpected.ts';
import type { Member } from '../members/member.ts';
import { Heartbeat } from './heartbeat.ts';
import {
  type Held,
  type HoldEnd,
  type HoldEvent,
  type HoldRules,
  type HoldState,
  mustLeave,
  nextHold,
  unled,
} from './hold.ts';
import { type CurrentHold, type EndedHold, type HoldView, whyHeld } from './hold-status.ts';
import { Patience } from './patience.ts';
import { Polls } from './polls.ts';
import type { Questions } from './questions.ts';
import type { LeaderView } from './status-answer.ts';

export interface GuardOptions {
  /** The longest hold, ms; 0 for none. */
  readonly limit: () => number;
  /** Those there are. */
  readonly members: () => readonly Member[];
  readonly open: (member: Member) => Questions;
  /** To which the members belong; undefined while that is not known. */
  readonly clusterId: () => string | undefined;
  /** How many members vote; 0 while that is not known. */
  readonly voters: () => number;
  /** For how long neither a client nor a member has said anything, ms. */
  readonly quietFor: () => number;
  readonly lookup: LookupFunction;
  readonly tls: () => MemberTls;
  readonly isSelf: (socket: Socket, port: number) => boolean;
  readonly onBegin: (hold: CurrentHold) => void;
  readonly onEnd: (hold: EndedHold) => void;
  /** The sessions of a leader that hangs must leave. Told once in a hold. */
  readonly onUnresponsive: (leader: Member) => void;
}

/** Between two heartbeats while sessions speak, ms, and while all are quiet. */
const beatInterval = { busy: 20, quiet: 250 };
/** Sessions are quiet after this long, ms: nobody is about to ask something. */
const quietAfter = 1_000;
/** Between two rounds of questions to everybody about who leads, ms. */
const statusInterval = { busy: 1_000, quiet: 10_000, unled: 250 };
/** The same while the leader is in doubt, lost, or about to be moved. */
const doubtInterval = 20;
const moveInterval = 5;
/** A leader whose heartbeat is unanswered for this long, and that leads on, is watched by reads, ms. */
const unseenAfter = 1_000;
/** Between two of these, ms: they are calls of the cluster, where heartbeats are not. */
const unseenInterval = 250;
/** A timer that is later than this, ms, was kept from running, and with it all answers. */
const stallTolerance = 30;

export class LeaderGuard {
  readonly #options: GuardOptions;
  readonly #patience = new Patience();
  readonly #polls: Polls;
  /** Ids in the cluster, as members have said them. */
  readonly #ids = new Map<Member, string>();
  #state: HoldState = unled;
  #heartbeat: { readonly of: Member; readonly heartbeat: Heartbeat } | undefined;
  #current: CurrentHold | undefined;
  #last: EndedHold | undefined;
  #hasLeft = false;
  #onMoveEnd: ((end: HoldEnd) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  /** When the last heartbeat was due. */
  #beatAt = 0;
  #askedAllAt = Number.NEGATIVE_INFINITY;
  /** How many members vote, as of that time. */
  #voters = 0;
  #isRunning = false;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#polls = new Polls({
      open: options.open,
      onStatus: (member, view, askedAt) => this.#heard(member, view, askedAt),
      onRead: (askedAt) => this.#take({ kind: 'read-succeeded', askedAt }),
    });
  }

  get view(): HoldView {
    return { limit: this.#options.limit(), current: this.#current, last: this.#last };
  }

  /** The member that leads, as far as is known. */
  get leader(): Member | undefined {
    return this.#state.kind === 'unled' ? undefined : this.#whoIs(this.#state.leader.memberId);
  }

  /** Guards until `signal` aborts. Call it once. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#isRunning = true;
    this.#tick();
    signal.addEventListener('abort', () => this.#stop(), { once: true });
  }

  /** A member that has refused a connection. */
  refused(member: Member): void {
    if (member === this.leader) this.#take({ kind: 'leader-cut' });
  }

  /** A session was cut by a member: if it is the leader it is asked at once whether it is there. */
  sessionCut(member: Member): void {
    if (this.#heartbeat?.of === member) this.#heartbeat.heartbeat.ask(performance.now());
  }

  /** Forgets a member that has left. */
  forget(member: Member): void {
    if (member === this.leader) this.#take({ kind: 'called-off' });
    this.#polls.forget(member);
    this.#ids.delete(member);
  }

  /** The settings have changed. */
  configure(): void {
    if (this.#isRunning) this.#tick();
  }

  /**
   * Holds until another member leads, since the leader is to be moved. Resolves with how that has ended;
   * undefined where nothing is held.
   */
  beginMove(): Promise<HoldEnd> | undefined {
    this.#take({ kind: 'move-ordered' });
    if (this.#state.kind !== 'held' || this.#state.cause !== 'planned') return undefined;
    const { promise, resolve } = Promise.withResolvers<HoldEnd>();
    this.#onMoveEnd = resolve;
    return promise;
  }

  /** The leader is not moved after all. */
  cancelMove(): void {
    if (this.#state.kind === 'held' && this.#state.cause === 'planned') {
      this.#take({ kind: 'called-off' });
    }
  }

  #stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    if (this.#state.kind === 'held') this.#take({ kind: 'called-off' });
    this.#state = unled;
    this.#retarget();
    this.#polls.close();
  }

  #tick(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    const late = now - this.#dueAt;
    const isStalled = this.#timer !== undefined && late > stallTolerance;
    if (isStalled) attempt(() => this.#take({ kind: 'stalled', late }));
    // Timers run before sockets are read: what has arrived by now is an answer in time.
    setImmediate(() => {
      if (!this.#isRunning) return;
      attempt(() => this.#look());
      this.#arm();
    });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const wait = this.#wait();
    this.#dueAt = performance.now() + wait;
    this.#timer = setTimeout(() => this.#tick(), wait);
  }

  #look(): void {
    const now = performance.now();
    const isDue = now - this.#askedAllAt >= this.#statusInterval();
    if (isDue) this.#voters = this.#options.voters();
    if (this.#options.limit() === 0 || this.#voters < 2) {
      if (this.#state.kind !== 'unled') this.#take({ kind: 'called-off' });
      this.#heartbeat?.heartbeat.close();
      return;
    }
    this.#take({ kind: 'time-passed', waitingSince: this.#waitingSince(now) });
    if (mustLeave(this.#state, this.#rules(now), now) && !this.#hasLeft) {
      this.#hasLeft = true;
      const { leader } = this;
      if (leader !== undefined) this.#options.onUnresponsive(leader);
    }
    if (now >= this.#nextBeat()) {
      this.#beatAt = now;
      this.#heartbeat?.heartbeat.ask(now);
    }
    if (this.#isInDoubt(now)) this.#askOthers(now);
    else if (isDue) this.#askAll(now);
  }

  #wait(): number {
    if (this.#options.limit() === 0) return statusInterval.busy;
    const state = this.#state;
    if (state.kind === 'held') return state.cause === 'planned' ? moveInterval : doubtInterval;
    if (state.kind === 'unled') return statusInterval.unled;
    const now = performance.now();
    const waitingSince = this.#waitingSince(now);
    if (waitingSince !== undefined) {
      // In time for the decision: each ms costs the calls that are asked in it.
      const due = Math.max(waitingSince, state.provenAt) + this.#patience.at(now) - now;
      return Math.min(doubtInterval, Math.max(1, due));
    }
    return Math.max(1, this.#nextBeat() - now);
  }

  /** When the leader is to be asked again, ms of `performance.now()`. */
  #nextBeat(): number {
    return this.#isQuiet()
      ? nextInStep(this.#beatAt, beatInterval.quiet)
      : this.#beatAt + beatInterval.busy;
  }

  /**
   * Since when a question is open that proves the leader: its heartbeat, or reads through the others where
   * this host has lost sight of a leader that goes on to lead.
   */
  #waitingSince(now: number): number | undefined {
    return this.#isUnseen(now) ? this.#polls.readSince : this.#heartbeat?.heartbeat.waitingSince;
  }

  #isUnseen(now: number): boolean {
    const { waitingSince = now } = this.#heartbeat?.heartbeat ?? {};
    return now - waitingSince >= unseenAfter;
  }

  #isQuiet(): boolean {
    return this.#options.quietFor() >= quietAfter;
  }

  #statusInterval(): number {
    if (this.#state.kind === 'unled') return statusInterval.unled;
    return this.#isQuiet() ? statusInterval.quiet : statusInterval.busy;
  }

  #isInDoubt(now: number): boolean {
    const state = this.#state;
    if (state.kind !== 'led') return state.kind === 'held';
    if (this.#isUnseen(now)) {
      return this.#polls.readSince !== undefined || now - state.provenAt >= unseenInterval;
    }
    const waitingSince = this.#heartbeat?.heartbeat.waitingSince;
    if (waitingSince === undefined) return false;
    return now - Math.max(waitingSince, state.provenAt) >= this.#patience.at(now) / 2;
  }

  #askAll(now: number): void {
    this.#askedAllAt = now;
    for (const member of this.#options.members()) this.#polls.askStatus(member, now);
  }

  /** Everybody but the leader that is lost; also that one where it is to be moved. */
  #askOthers(now: number): void {
    const isMove = this.#state.kind === 'held' && this.#state.cause === 'planned';
    const { leader } = this;
    for (const member of this.#options.members()) {
      if (member === leader && !isMove) continue;
      this.#polls.askStatus(member, now);
      if (!isMove) this.#polls.askRead(member, now);
    }
  }

  #heard(member: Member, view: LeaderView, askedAt: number): void {
    if (!this.#isRunning || view.clusterId !== this.#options.clusterId()) return;
    const { memberId, leaderId, term } = view;
    this.#ids.set(member, memberId);
    if (leaderId === memberId) {
      this.#take({ kind: 'leader-seen', leader: { memberId, term }, askedAt });
    }
    const isOther = this.#state.kind === 'led' && this.#state.leader.memberId !== memberId;
    if (isOther) this.#take({ kind: 'other-answered', askedAt });
  }

  #take(event: HoldEvent): void {
    const before = this.#state;
    const now = performance.now();
    const { state, end } = nextHold(before, event, this.#rules(now), now);
    if (state === before) return;
    this.#state = state;
    if (this.#isRunning) this.#retarget();
    if (before.kind === 'held' && end !== undefined) this.#ended(end, now - before.since);
    if (state.kind === 'held' && before.kind !== 'held') this.#began(state);
  }

  #rules(now: number): HoldRules {
    return { limit: this.#options.limit(), patience: this.#patience.at(now) };
  }

  #began(held: Held): void {
    this.#hasLeft = false;
    const name = this.leader?.name ?? held.leader.memberId;
    this.#current = {
      cause: held.cause,
      leader: name,
      why: whyHeld(name, held.cause),
      since: Date.now(),
    };
    this.#options.onBegin(this.#current);
    if (!this.#isRunning) return;
    // The proof of the opposite is asked for at once.
    this.#askOthers(held.since);
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
    if (leader === this.#heartbeat?.of) return;
    this.#heartbeat?.heartbeat.close();
    this.#heartbeat = undefined;
    this.#patience.forget();
    if (leader === undefined || !this.#options.members().includes(leader)) return;
    const { lookup, tls, isSelf } = this.#options;
    const heartbeat = new Heartbeat({
      ...{ url: leader.checkUrl, lookup: leader.lookup ?? lookup, tls, isSelf },
      onAnswer: (askedAt, duration) => {
        this.#patience.learn(duration);
        this.#polls.forgetReads();
        this.#take({ kind: 'leader-answered', askedAt });
        if (this.#isRunning) this.#arm(); // the next look is not before the next question
      },
      onCut: () => this.#take({ kind: 'leader-cut' }),
    });
    this.#heartbeat = { of: leader, heartbeat };
  }

  #whoIs(memberId: string): Member | undefined {
    for (const [member, id] of this.#ids) if (id === memberId) return member;
    return undefined;
  }
}
