/** What became of clients since the start, beside sessions: those turned away, and failovers. Written by the data path. */

/** Why a client was turned away. Used as a metric label. */
export const rejectReasons = [
  'limit',
  'source-limit', // its address already has its share of the connections
  'no-member',
  'accept-failed',
  'no-request',
  'paused', // nobody gets a member
  'silent', // it has sent nothing since it connected
] as const;
export type RejectReason = (typeof rejectReasons)[number];

export interface Rejections {
  readonly clients: number;
  /** When the last one was turned away, ms since the epoch; undefined for none. */
  readonly lastAt: number | undefined;
}

export class ClientTotals {
  readonly #rejected = new Map<RejectReason, Rejections>();
  #failovers = 0;

  /** Clients that were connected to a member after another had been tried for them. */
  get failovers(): number {
    return this.#failovers;
  }

  rejectedFor(reason: RejectReason): Rejections {
    return this.#rejected.get(reason) ?? { clients: 0, lastAt: undefined };
  }

  /** @param now ms since the epoch. */
  reject(reason: RejectReason, now: number): void {
    const { clients } = this.rejectedFor(reason);
    this.#rejected.set(reason, { clients: clients + 1, lastAt: now });
  }

  failOver(): void {
    this.#failovers += 1;
  }
}
