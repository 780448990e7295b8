/**
 * The stream of events. Owns their numbers, the last few hundred, and who is told. How an event is told is event.ts.
 */
import { describe, type Event, type EventKind } from './event.ts';
import type { Sentence } from './sentences/sentence.ts';

/** An event as it is shown: an entry of `/status`, and a line of the log. Fields depend on `kind`. */
export interface RecordedEvent extends Sentence {
  /** ms since the epoch. */
  readonly at: number;
  readonly kind: EventKind;
}

/** An event and what to call it by, as `Last-Event-ID` of a stream does. */
export interface NumberedEvent extends RecordedEvent {
  /** Of no other event, of no other run of the balancer either. */
  readonly id: string;
}

/** @param recorded how the event is shown. */
export type EventListener = (recorded: NumberedEvent, event: Event) => void;

const kept = 300;

export class EventLog {
  readonly #recent: RecordedEvent[] = [];
  readonly #listeners = new Set<EventListener>();
  /** Tells the ids of this run from those of another. */
  readonly #run = Date.now().toString(36);
  #count = 0;

  /** The last 300 events, oldest first. */
  get recent(): readonly RecordedEvent[] {
    return this.#recent;
  }

  /** Takes in what has just happened, and tells all listeners, in the order in which they have subscribed. */
  readonly record = (event: Event): void => {
    const { kind } = event;
    const { level, message, fields } = describe(event);
    const recorded: RecordedEvent = { at: Date.now(), level, kind, message, fields };
    this.#recent.push(recorded);
    if (this.#recent.length > kept) this.#recent.shift();
    this.#count += 1;
    const numbered = this.#numbered(recorded, this.#count);
    for (const listener of this.#listeners) listener(numbered, event);
  };

  /** Has `listener` told of every event from now on, until what this returns is called. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The events that are kept and came after the one with this id, oldest first; all if it is none of this run. */
  after(id: string | undefined): readonly NumberedEvent[] {
    const [run, number] = id?.split('-') ?? [];
    const known = run === this.#run ? Number(number) : 0;
    const before = this.#count - this.#recent.length;
    return this.#recent
      .map((event, index) => this.#numbered(event, before + index + 1))
      .slice(Math.max(0, known - before) || 0);
  }

  #numbered(event: RecordedEvent, number: number): NumberedEvent {
    return { id: `${this.#run}-${number}`, ...event };
  }
}
