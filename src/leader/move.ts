/**
 * Moves the leader without a failed call:
 *
 *   hold what clients send ──► what is in flight is answered ──► MoveLeader ──► another leads: go on
 *
 * Why: a leader that hands over drops what reaches it meanwhile, and whoever has forwarded it waits in vain
 * (`stepLeader` of etcd's raft answers ErrProposalDropped, which is told to nobody else). Of 100 moves under
 * load 43 cost a call.
 *
 * Owns the sequence. guard.ts says what is held, and for how long at most.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdClient } from '../etcd/etcd-client.ts';
import type { Member } from '../members/member.ts';
import { allAnswered } from '../proxy/sessions/in-flight.ts';
import type { Sessions } from '../proxy/sessions/sessions.ts';
import type { LeaderGuard } from './guard.ts';
import type { HoldEnd } from './hold.ts';

export interface LeaderMoverOptions {
  readonly guard: LeaderGuard;
  readonly sessions: Pick<Sessions, 'all'>;
  readonly clientOf: (member: Member) => EtcdClient;
}

/** How long what is in flight may take, ms. */
const answerTime = 100;
/** How often that is waited for, and how long everybody goes on in between, ms. */
const attempts = 3;
const pause = 100;

export class LeaderMover {
  readonly #options: LeaderMoverOptions;
  #isMoving = false;

  constructor(options: LeaderMoverOptions) {
    this.#options = options;
  }

  /**
   * Has `to` lead in place of `from`. Resolves with how long clients were held, ms; 0 where nothing is held.
   * Rejects with one sentence where etcd refuses, or nobody is known to lead then; nothing is held any longer.
   *
   * @param id of `to` in the cluster, hexadecimal.
   */
  async move(from: Member, to: Member, id: string): Promise<number> {
    if (this.#isMoving)
      throw new Error('The leader is being moved already; wait for the end of it.');
    this.#isMoving = true;
    const client = this.#options.clientOf(from);
    try {
      // Connects, and learns of a wrong password, before anybody has to wait.
      const { leaderId, memberId } = await client.status();
      if (leaderId !== memberId) throw new Error('it leads no longer');
      return await this.#hold(client, id);
    } catch (error) {
      const why = (error as Error).message;
      throw new Error(`${from.name} did not hand over to ${to.name}: ${why}.`, { cause: error });
    } finally {
      client.close();
      this.#isMoving = false;
    }
  }

  async #hold(client: EtcdClient, id: string): Promise<number> {
    const hold = await this.#quietHold();
    if (hold === undefined) {
      await client.moveLeader(id);
      return 0;
    }
    const moved = client.moveLeader(id).catch((error: Error) => {
      this.#options.guard.cancelMove();
      throw error;
    });
    // An error after the move is nobody's concern.
    const end = await Promise.race([hold.end, moved.then(() => hold.end)]);
    if (end === 'cancelled') await moved; // by its error, which is told
    if (end === 'expired') throw new Error('no other member has said in time that it leads');
    return performance.now() - hold.begun;
  }

  /**
   * Begins a hold in which everything is answered. A call that takes long, as of a client that waits for a
   * lock, is passed over at the last attempt. Undefined where nothing is held.
   */
  async #quietHold(): Promise<{ begun: number; end: Promise<HoldEnd> } | undefined> {
    const { guard, sessions } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const begun = performance.now();
      const end = guard.beginMove();
      if (end === undefined) return undefined;
      if ((await allAnswered(sessions.all(), answerTime)) || attempt === attempts) {
        return { begun, end };
      }
      guard.cancelMove();
      await delay(pause);
    }
  }
}
