/**
 * Moves the leader without a failed call:
 *
 *   hold clients ──► calls in flight are answered ──► MoveLeader ──► another member leads: release
 *
 * Why: a leader that hands over drops the writes that reach it meanwhile, and the follower that forwarded one
 * waits in vain (`stepLeader` of etcd's raft returns ErrProposalDropped, which the follower never learns). Of
 * 100 moves under load 43 cost a call.
 *
 * Owns the sequence. guard.ts holds the clients, and bounds the hold.
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

/** How long to wait for calls in flight, ms. */
const answerTime = 100;
/** How often to try, and how long clients are released in between, ms. */
const attempts = 3;
const pause = 100;

export class LeaderMover {
  readonly #options: LeaderMoverOptions;
  #isMoving = false;

  constructor(options: LeaderMoverOptions) {
    this.#options = options;
  }

  /**
   * Moves the leader from `from` to `to`. Resolves with how long clients were held, ms; 0 if they were not.
   * Rejects with one sentence if etcd refuses, or no member leads in time; then nothing is held any more.
   *
   * @param id that of `to` in the cluster, hexadecimal.
   */
  async move(from: Member, to: Member, id: string): Promise<number> {
    if (this.#isMoving)
      throw new Error('The leader is already being moved; wait until that is done.');
    this.#isMoving = true;
    const client = this.#options.clientOf(from);
    try {
      // Connects, and detects a wrong password, before any client is held.
      const { leaderId, memberId } = await client.status();
      if (leaderId !== memberId) throw new Error('it no longer leads');
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
    // An error after the move does not matter.
    const end = await Promise.race([hold.end, moved.then(() => hold.end)]);
    if (end === 'cancelled') await moved; // throws the error that cancelled the hold
    if (end === 'expired') throw new Error('no other member led in time');
    return performance.now() - hold.begun;
  }

  /**
   * Begins a hold without calls in flight. The last attempt ignores a long call, such as that of a client that
   * waits for a lock. Undefined if nothing is held.
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
