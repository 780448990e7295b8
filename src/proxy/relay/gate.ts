/**
 * The gate of a session: may its client be read from? Not while it is held, nor while the member has yet
 * to take what was read before. Two reasons with two owners, so that the end of one does not end the other.
 */
import type { Socket } from 'node:net';

export class Gate {
  readonly #client: () => Socket;
  #held = false;
  #full = false;

  /** @param client asked for later: the gate is needed to make it. */
  constructor(client: () => Socket) {
    this.#client = client;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Takes in, and returns, whether the member took all that was read. If not, `drained` is to be called. */
  passes(isTaken: boolean): boolean {
    if (!isTaken) this.#full = true;
    return isTaken;
  }

  /** The member has taken the rest. */
  readonly drained = (): void => {
    this.#full = false;
    if (!this.#held) this.#client().resume();
  };

  readonly hold = (): void => {
    if (this.#held) return;
    this.#held = true;
    this.#client().pause();
  };

  readonly release = (): void => {
    if (!this.#held) return;
    this.#held = false;
    if (!this.#full) this.#client().resume();
  };
}
