/**
 * Events: every decision, with its evidence, as one sentence and as fields.
 *
 * Owns what an event is, and the last few hundred. Leaves to others how each is worded (the files that end
 * in -events.ts) and who listens (log.ts writes them down, http.ts shows them).
 */

/** One line of the log and of `/status`. Further fields depend on `kind`. */
export interface Event {
  /** ms since the epoch. */
  readonly at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly kind:
    | 'started'
    | 'member-changed'
    | 'member-unfit'
    | 'member-fit'
    | 'mode-changed'
    | 'leader-changed'
    | 'leader-lost'
    | 'leader-moved'
    | 'hold-began'
    | 'hold-ended'
    | 'alarm-raised'
    | 'alarm-cleared'
    | 'inspection-failing'
    | 'inspection-back'
    | 'sessions-evicted'
    | 'sessions-moved'
    | 'clients-rejected'
    | 'handshakes-failed'
    | 'member-joined'
    | 'member-renamed'
    | 'member-left'
    | 'sessions-removed'
    | 'member-misadvertised'
    | 'discovery-failing'
    | 'discovery-back'
    | 'state-used'
    | 'state-failing'
    | 'state-back'
    | 'names-failing'
    | 'names-back'
    | 'descriptors-short'
    | 'descriptors-back'
    | 'key-exposed'
    | 'certificates-renewed'
    | 'certificates-refused'
    | 'member-drained'
    | 'drain-ended'
    | 'member-undrained'
    | 'drains-restored'
    | 'drains-unusable'
    | 'rebalance-asked'
    | 'session-closed'
    | 'log-level-changed'
    | 'reloaded'
    | 'reload-refused'
    | 'admin-unavailable'
    | 'listen-ignored'
    | 'observe-waits'
    | 'observe-opened'
    | 'log-failing'
    | 'log-back'
    | 'unexpected-error'
    | 'stopping'
    | 'stopped';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What an event says; its time is added when it is recorded. */
export type EventBody = Omit<Event, 'at'>;

/** An event and what to call it by, as `Last-Event-ID` of a stream does. */
export interface NumberedEvent extends Event {
  /** Of no other event, of no other run of the balancer either. */
  readonly id: string;
}

const kept = 300;

export class EventLog {
  readonly #recent: Event[] = [];
  readonly #listener: (event: Event) => void;
  readonly #followers = new Set<(event: NumberedEvent) => void>();
  /** Tells the ids of this run from those of another. */
  readonly #run = Date.now().toString(36);
  #recorded = 0;

  constructor(listener: (event: Event) => void) {
    this.#listener = listener;
  }

  /** The last 300 events, oldest first. */
  get recent(): readonly Event[] {
    return this.#recent;
  }

  record(body: EventBody): void {
    const event: Event = { at: Date.now(), ...body };
    this.#recent.push(event);
    if (this.#recent.length > kept) this.#recent.shift();
    this.#recorded += 1;
    this.#listener(event);
    for (const follower of this.#followers) follower(this.#numbered(event, this.#recorded));
  }

  /** Has `follower` told of every event from now on, until what this returns is called. */
  follow(follower: (event: NumberedEvent) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /** The events that are kept and came after the one with this id, oldest first; all if it is none of this run. */
  after(id: string | undefined): readonly NumberedEvent[] {
    const [run, number] = id?.split('-') ?? [];
    const known = run === this.#run ? Number(number) : 0;
    const before = this.#recorded - this.#recent.length;
    return this.#recent
      .map((event, index) => this.#numbered(event, before + index + 1))
      .slice(Math.max(0, known - before) || 0);
  }

  #numbered(event: Event, number: number): NumberedEvent {
    return { id: `${this.#run}-${number}`, ...event };
  }
}
