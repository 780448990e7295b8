/**
 * The log of events. Owns their numbers, the last 300, and the subscribers. The sentence of an event is from event.ts.
 */
import { describe, type Event, type EventKind } from './event.ts';
import type { Sentence } from './sentences/sentence.ts';

/** An event as it is shown: an entry of `/status`, and a line of the log. Fields depend on `kind`. */
export interface RecordedEvent extends Sentence {
  /** ms since the epoch. */
  readonly at: number;
  readonly kind: EventKind;
}

/** An event with its id, as in the `Last-Event-ID` of a stream. */
export interface NumberedEvent extends RecordedEvent {
  /** Unique among all events, of other runs of the balancer too. */
  readonly id: string;
}

/** @param recorded how the event is shown. */
export type EventListener = (recorded: NumberedEvent, event: Event) => void;

const kept = 300;

export class EventLog {
  readonly #recent: RecordedEvent[] = [];
  readonly #listeners = new Set<EventListener>();
  /** Distinguishes the ids of this run from those of others. */
  readonly #run = Date.now().toString(36);
  #count = 0;

  /** The last 300 events, oldest first. */
  get recent(): readonly RecordedEvent[] {
    return this.#recent;
  }

  /** Records an event and calls all listeners, in the order of their subscription. */
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

  /** Calls `listener` for every event from now on. Returns what ends that. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The kept events after the one with this id, oldest first; all of them if the id is not of this run. */
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
