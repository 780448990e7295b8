/**
 * `/events`: server-sent events for the status page and other watchers.
 *
 *   event ──► event: event    at once, with an id: a reader that resumes with Last-Event-ID misses no kept event
 *         └─► event: status   at most every 100 ms after events, and once a second
 *             event: checks   the checks since the last status; the first message has all kept checks
 *
 * Owns what is sent when, and the one timer for it, which runs only while somebody listens. A slow reader is
 * skipped and later dropped. The messages come from event-log.ts, status.ts and check-history.ts; the streams
 * are management/sse.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mostConnections } from '../../management/server.ts';
import { eventMessage, message, SseStreams } from '../../management/sse.ts';
import type { CheckHistory, PastChecks } from '../check-history.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Status } from '../status.ts';

/** The data of `event: status`. */
export interface StatusUpdate extends Omit<Status, 'events'> {
  /** When it was taken, ISO 8601: the reader's clock may differ. */
  readonly at: string;
}

/** The data of `event: checks`. */
export type ChecksUpdate = PastChecks;

/** The data of `event: event`; its id is the message's. */
export type EventUpdate = Status['events'][number];

export interface EventStreamsOptions {
  /** Its `events` are not sent. */
  readonly status: () => Status;
  readonly events: EventLog;
  readonly checks: CheckHistory;
}

/** Streams that may be open at a time. */
export const maxStreams = mostConnections.observe / 2;
/** Between two statuses when nothing happens, and the least time between any two, ms. */
const interval = 1_000;
const shortest = 100;
/** How many statuses in a row may be skipped because the reader is behind. */
const maxSkipped = 15;
/** How long a browser waits before it reconnects, ms. */
const retry = 1_000;

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #streams: SseStreams;
  /** How many statuses in a row each stream did not get because its reader is behind. */
  readonly #skipped = new WeakMap<ServerResponse, number>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is due, and when a status was last sent, ms of `performance.now()`. */
  #due = Number.POSITIVE_INFINITY;
  #sentAt = Number.NEGATIVE_INFINITY;

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
    checks.takeNew(); // each stream begins with all of them
    this.#wakeAt(performance.now() + interval);
    const unfollow = events.subscribe((event) => {
      this.#streams.publish(eventMessage('event', event));
      this.#wakeAt(Math.max(performance.now(), this.#sentAt + shortest));
    });
    return () => {
      unfollow();
      clearTimeout(this.#timer);
      this.#due = Number.POSITIVE_INFINITY;
    };
  }

  #send(): void {
    const { checks } = this.#options;
    this.#due = Number.POSITIVE_INFINITY;
    this.#sentAt = performance.now();
    const status = this.#statusMessage();
    const newChecks = message('checks', checks.takeNew());
    for (const response of this.#streams.all) this.#sendTo(response, newChecks, status);
    this.#wakeAt(this.#sentAt + interval);
  }

  #sendTo(response: ServerResponse, newChecks: string, status: string): void {
    const skipped = this.#skipped.get(response) ?? 0;
    const isBehind = response.writableLength > 0;
    this.#skipped.set(response, isBehind ? skipped + 1 : 0);
    if (isBehind) {
      if (skipped >= maxSkipped) response.destroy();
      return;
    }
    // After a skip all kept checks are sent, so that none is missing in the plot.
    const past = skipped > 0 ? message('checks', this.#options.checks.all) : newChecks;
    response.write(past + status);
  }

  #statusMessage(): string {
    const { events: _events, ...status } = this.#options.status();
    const update: StatusUpdate = { at: new Date().toISOString(), ...status };
    return message('status', update);
  }

  #wakeAt(due: number): void {
    if (this.#due <= due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#send(), Math.max(0, due - performance.now()));
  }
}
