/** Changes of the cluster's list of members, by etcd's JSON gateway, repeated while it refuses them. */
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../clients/record.ts';
import type { Answer } from './cluster.ts';

/** Asks one of the members that run; which one, changes with `turn`. Rejects when there is none. */
export type AskOne = (turn: number, path: string, body: string) => Promise<Answer>;

interface Listed {
  readonly ID: string;
  readonly peerURLs: readonly string[];
  readonly isLearner?: boolean;
}

/** A change is tried for so long, ms. */
const patience = 10_000;

export class Membership {
  readonly #ask: AskOne;

  constructor(ask: AskOne) {
    this.#ask = ask;
  }

  /**
   * Resolves with its id. Like all changes it rejects after 10 s with etcd's last refusal; the change
   * may come about later all the same, where etcd was asked and did not answer.
   */
  async add(peerUrl: string, isLearner: boolean): Promise<{ id: string; isLearner: boolean }> {
    return await this.#until(async (turn) => {
      const { status, text } = await this.#ask(
        turn,
        '/v3/cluster/member/add',
        JSON.stringify({ peerURLs: [peerUrl], isLearner }),
      );
      if (status === 200)
        return { id: (JSON.parse(text) as { member: Listed }).member.ID, isLearner };
      // An attempt before this one, that was not answered, was carried out.
      const listed = /already exists/i.test(text) && (await this.#listed(turn, peerUrl));
      if (listed) return { id: listed.ID, isLearner: listed.isLearner === true };
      throw new Error(text.trim());
    });
  }

  async promote(id: string): Promise<void> {
    await this.#until((turn) =>
      this.#change(turn, '/v3/cluster/member/promote', id, /can only promote a learner/),
    );
  }

  async remove(id: string): Promise<void> {
    await this.#until((turn) =>
      this.#change(turn, '/v3/cluster/member/remove', id, /member not found/),
    );
  }

  /** @param isDone what etcd says when an attempt before this one was carried out. */
  async #change(turn: number, path: string, id: string, isDone: RegExp): Promise<void> {
    const { status, text } = await this.#ask(turn, path, JSON.stringify({ ID: id }));
    if (status !== 200 && !(turn > 0 && isDone.test(text))) throw new Error(text.trim());
  }

  async #listed(turn: number, peerUrl: string): Promise<Listed | undefined> {
    const { text } = await this.#ask(turn, '/v3/cluster/member/list', '{"linearizable":true}');
    const { members } = JSON.parse(text) as { members: readonly Listed[] };
    return members.find(({ peerURLs }) => peerURLs.includes(peerUrl));
  }

  async #until<T>(attempt: (turn: number) => Promise<T>): Promise<T> {
    const deadline = now() + patience;
    for (let turn = 0; ; turn += 1) {
      try {
        return await attempt(turn);
      } catch (error) {
        if (now() >= deadline) {
          throw new Error(
            `etcd did not change its members within 10 s: ${(error as Error).message}`,
          );
        }
        await delay(100);
      }
    }
  }
}
