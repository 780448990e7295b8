/**
 * The polls: questions to members about the leader, and what comes of them.
 *
 * Owns a connection for questions to each member, and when reads have begun to go unanswered. Leaves to
 * guard.ts whom to ask when.
 */
import type { Member } from '../members/member.ts';
import type { Questions } from './questions.ts';
import type { LeaderView } from './status-answer.ts';

export interface PollsOptions {
  readonly open: (member: Member) => Questions;
  /** Told of each answer, with when it was asked for, ms of `performance.now()`. */
  readonly onStatus: (member: Member, view: LeaderView, askedAt: number) => void;
  /** Told of each linearizable read that has succeeded, likewise. */
  readonly onRead: (askedAt: number) => void;
}

export class Polls {
  readonly #options: PollsOptions;
  readonly #questions = new Map<Member, Questions>();
  #readSince: number | undefined;

  constructor(options: PollsOptions) {
    this.#options = options;
  }

  /** When the first read was asked that has had no answer, nor has any later one. */
  get readSince(): number | undefined {
    return this.#readSince;
  }

  /** The reads that are open are of no interest any more. */
  forgetReads(): void {
    this.#readSince = undefined;
  }

  /** Asks a member who leads. A question that fails is as one without an answer. */
  askStatus(member: Member, askedAt: number): void {
    const onStatus = (view: LeaderView): void => this.#options.onStatus(member, view, askedAt);
    this.#to(member).status().then(onStatus, ignore);
  }

  /** Asks a member for a linearizable read, likewise. */
  askRead(member: Member, askedAt: number): void {
    this.#readSince ??= askedAt;
    const onRead = (): void => {
      if (askedAt >= (this.#readSince ?? askedAt)) this.#readSince = undefined;
      this.#options.onRead(askedAt);
    };
    this.#to(member).read().then(onRead, ignore);
  }

  /** Forgets a member that has left. */
  forget(member: Member): void {
    this.#questions.get(member)?.close();
    this.#questions.delete(member);
  }

  close(): void {
    for (const member of this.#questions.keys()) this.forget(member);
  }

  #to(member: Member): Questions {
    const known = this.#questions.get(member);
    if (known !== undefined) return known;
    const questions = this.#options.open(member);
    this.#questions.set(member, questions);
    return questions;
  }
}

function ignore(): void {}
