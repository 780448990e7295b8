/**
 * The polls ask members about the leader and report the answers.
 *
 * Owns a connection to each member, the ids of the members, and since when reads are unanswered. guard.ts
 * decides whom to ask when.
 */
import type { Cluster } from '../etcd/cluster.ts';
import type { Member } from '../members/member.ts';
import type { Questions } from './questions.ts';
import type { LeaderView } from './status-answer.ts';

export interface PollsOptions {
  readonly open: (member: Member) => Questions;
  /** Answers from members of other clusters are ignored. */
  readonly cluster: Pick<Cluster, 'view'>;
  /** Called for each answer, with when it was requested, ms of `performance.now()`. */
  readonly onStatus: (view: LeaderView, askedAt: number) => void;
  /** Called for each successful linearizable read, with when it was requested. */
  readonly onRead: (askedAt: number) => void;
}

interface Polled {
  readonly questions: Questions;
  /** The id in the cluster; undefined until the member has answered. */
  id: string | undefined;
}

export class Polls {
  readonly #options: PollsOptions;
  readonly #polled = new Map<Member, Polled>();
  #readSince: number | undefined;

  constructor(options: PollsOptions) {
    this.#options = options;
  }

  /** When the first read was requested since the last one that was answered; undefined for none. */
  get readSince(): number | undefined {
    return this.#readSince;
  }

  /** The member with this id in the cluster, if it has answered. */
  memberWith(id: string): Member | undefined {
    return [...this.#polled.keys()].find((member) => this.#polled.get(member)?.id === id);
  }

  /** Stops waiting for the open reads. */
  forgetReads(): void {
    this.#readSince = undefined;
  }

  /** Asks members who leads. A failed request counts as unanswered. */
  askStatus(members: readonly Member[], askedAt: number): void {
    const { cluster, onStatus } = this.#options;
    for (const member of members) {
      const polled = this.#to(member);
      const heard = (view: LeaderView): void => {
        const isForgotten = this.#polled.get(member) !== polled;
        if (isForgotten || view.clusterId !== cluster.view.clusterId) return;
        polled.id = view.memberId;
        onStatus(view, askedAt);
      };
      polled.questions.status().then(heard, () => {});
    }
  }

  /** Sends a linearizable read through each of these members. A failed read counts as unanswered. */
  askRead(members: readonly Member[], askedAt: number): void {
    const onRead = (): void => {
      if (askedAt >= (this.#readSince ?? askedAt)) this.#readSince = undefined;
      this.#options.onRead(askedAt);
    };
    for (const member of members) {
      this.#readSince ??= askedAt;
      const { questions } = this.#to(member);
      questions.read().then(onRead, () => {});
    }
  }

  /** Forgets a member that has left. */
  forget(member: Member): void {
    this.#polled.get(member)?.questions.close();
    this.#polled.delete(member);
  }

  close(): void {
    for (const member of this.#polled.keys()) this.forget(member);
  }

  #to(member: Member): Polled {
    const { open } = this.#options;
    const polled = this.#polled.get(member) ?? { questions: open(member), id: undefined };
    this.#polled.set(member, polled);
    return polled;
  }
}
