/**
 * The gate of a session: may its client be read from? Not while the session is held, nor while the member
 * has not taken what was read before. The two reasons are kept apart, so the end of one does not end the other.
 */
import type { Socket } from 'node:net';

export class Gate {
  readonly #client: () => Socket;
  #held = false;
  #full = false;

  /** @param client called later only, since the client's socket is made after the gate. */
  constructor(client: () => Socket) {
    this.#client = client;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Records, and returns, whether the member took everything. If not, the caller must call `drained` later. */
  passes(isTaken: boolean): boolean {
    if (!isTaken) this.#full = true;
    return isTaken;
  }

  /** Call this when the member has taken the rest. */
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
