/**
 * `/events`: server-sent events for whoever watches, the status page first of all.
 *
 *   event ──► event: event    at once, with an id: who comes back with Last-Event-ID misses none that is kept
 *         └─► event: status   at most every 100 ms after events, and once a second
 *             event: checks   the checks since the last status; at first all that are kept
 *
 * Owns what is told when, and the one timer for that, of which there is none while nobody listens. Who reads slowly is
 * skipped and then dropped. What a message says is taken from events.ts, status.ts and check-history.ts; the streams
 * are management/sse.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mostConnections } from '../../management/server.ts';
import { eventMessage, message, SseStreams } from '../../management/sse.ts';
import type { CheckHistory, PastChecks } from '../check-history.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Status } from '../status.ts';

/** The data of `event: status`. */
export interface StatusNews extends Omit<Status, 'events'> {
  /** When it was taken, ISO 8601: the reader's clock may be another one. */
  readonly at: string;
}

/** The data of `event: checks`. */
export type ChecksNews = PastChecks;

/** The data of `event: event`; its id is the message's. */
export type EventNews = Status['events'][number];

export interface EventStreamsOptions {
  /** Its events are not told. */
  readonly status: () => Status;
  readonly events: EventLog;
  readonly checks: CheckHistory;
}

/** Streams that may be open at a time. */
export const maxStreams = mostConnections.observe / 2;
/** Between two statuses when nothing happens, and at least between two of them, ms. */
const interval = 1_000;
const shortest = 100;
/** So many statuses in a row may be skipped because the one before was not read. */
const maxSkipped = 15;
/** After this time a browser tries again, ms. */
const retry = 1_000;

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #streams: SseStreams;
  /** Statuses in a row that a stream did not get since its reader had not read what was before. */
  readonly #skipped = new WeakMap<ServerResponse, number>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is due, and when a status was told last, ms of `performance.now()`. */
  #due = Number.POSITIVE_INFINITY;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
    this.#streams = new SseStreams(maxStreams, () => this.#begin());
  }

  /** See `SseStreams.open`. */
  open(request: IncomingMessage, response: ServerResponse): boolean {
    const { events, checks } = this.#options;
    return this.#streams.open(request, response, (lastId) =>
      [
        `retry: ${retry}\n\n`,
        ...events.after(lastId).map((event) => eventMessage('event', event)),
        message('checks', checks.all),
        this.#statusMessage(),
      ].join(''),
    );
  }

  /** Ends all streams. */
  close(): void {
    this.#streams.close();
  }

  #begin(): () => void {
    const { events, checks } = this.#options;
    checks.takeNew(); // each stream begins with all
    this.#wakeAt(performance.now() + interval);
    const unfollow = events.subscribe((event) => {
      this.#streams.publish(eventMessage('event', event));
      this.#wakeAt(Math.max(performance.now(), this.#toldAt + shortest));
    });
    return () => {
      unfollow();
      clearTimeout(this.#timer);
      this.#due = Number.POSITIVE_INFINITY;
    };
  }

  #tell(): void {
    const { checks } = this.#options;
    this.#due = Number.POSITIVE_INFINITY;
    this.#toldAt = performance.now();
    const status = this.#statusMessage();
    const newChecks = message('checks', checks.takeNew());
    for (const response of this.#streams.all) this.#tellOne(response, newChecks, status);
    this.#wakeAt(this.#toldAt + interval);
  }

  #tellOne(response: ServerResponse, newChecks: string, status: string): void {
    const skipped = this.#skipped.get(response) ?? 0;
    const isBehind = response.writableLength > 0;
    this.#skipped.set(response, isBehind ? skipped + 1 : 0);
    if (isBehind) {
      if (skipped >= maxSkipped) response.destroy();
      return;
    }
    // Of the checks that were skipped with it none is missing in the plot.
    const past = skipped > 0 ? message('checks', this.#options.checks.all) : newChecks;
    response.write(past + status);
  }

  #statusMessage(): string {
    const { events: _events, ...status } = this.#options.status();
    const news: StatusNews = { at: new Date().toISOString(), ...status };
    return message('status', news);
  }

  #wakeAt(due: number): void {
    if (this.#due <= due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#tell(), Math.max(0, due - performance.now()));
  }
}
