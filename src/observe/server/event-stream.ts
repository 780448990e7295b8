/**
 * `/events`: server-sent events for whoever watches, the status page first of all.
 *
 *   event ──► event: event    at once, with an id: who comes back with Last-Event-ID misses none that is kept
 *         └─► event: status   at most every 100 ms after events, and once a second
 *             event: checks   the checks since the last status; at first all that are kept
 *
 * Owns the open streams and their one timer, of which there is none while nobody listens. Who reads slowly
 * is skipped and then dropped: nothing is held for him beyond a fixed number of bytes. What a message says
 * is taken from events.ts, status.ts and check-history.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mostConnections } from '../../management/server.ts';
import type { CheckHistory, PastChecks } from '../check-history.ts';
import type { EventLog, NumberedEvent } from '../events/event-log.ts';
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
/** A stream for which more than this waits to be read is dropped, bytes; all kept events are less. */
const maxUnread = 512 * 1024;
/** So many statuses in a row may be skipped because the one before was not read. */
const maxSkipped = 15;
/** After this time a browser tries again, ms. */
const retry = 1_000;

interface Stream {
  readonly response: ServerResponse;
  /** Statuses in a row that it did not get since it had not read what was before. */
  skipped: number;
}

export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #streams = new Set<Stream>();
  readonly #unfollow: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is due, and when a status was told last, ms of `performance.now()`. */
  #due = Number.POSITIVE_INFINITY;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
    this.#unfollow = options.events.subscribe((event) => this.#publish(event));
  }

  /**
   * Answers with a stream that goes on until the reader leaves or `close` is called. Does nothing and returns false when
   * there is no room for one more.
   */
  open(request: IncomingMessage, response: ServerResponse): boolean {
    const { events, checks } = this.#options;
    if (request.method !== 'HEAD' && this.#streams.size >= maxStreams) return false;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no', // nginx would hold it back
    });
    if (request.method === 'HEAD') {
      response.end();
      return true;
    }
    const stream: Stream = { response, skipped: 0 };
    response.once('close', () => this.#forget(stream));
    if (this.#streams.size === 0) checks.takeNew(); // told below
    this.#streams.add(stream);
    const known = request.headers['last-event-id'];
    const missed = events.after(typeof known === 'string' ? known : undefined);
    response.write(
      [
        `retry: ${retry}\n\n`,
        ...missed.map(eventMessage),
        message('checks', checks.all),
        this.#statusMessage(),
      ].join(''),
    );
    this.#wakeAt(performance.now() + interval);
    return true;
  }

  /** Ends all streams and opens none again. */
  close(): void {
    this.#unfollow();
    for (const { response } of this.#streams) response.end();
    this.#streams.clear();
    this.#sleep();
  }

  #publish(event: NumberedEvent): void {
    if (this.#streams.size === 0) return;
    const text = eventMessage(event);
    for (const stream of this.#streams) {
      // An event cannot be left out; who comes back asks for those after the last one that he has.
      if (stream.response.writableLength > maxUnread) stream.response.destroy();
      else stream.response.write(text);
    }
    this.#wakeAt(Math.max(performance.now(), this.#toldAt + shortest));
  }

  #tell(): void {
    const { checks } = this.#options;
    this.#toldAt = performance.now();
    const status = this.#statusMessage();
    const newChecks = message('checks', checks.takeNew());
    for (const stream of this.#streams) this.#tellOne(stream, newChecks, status);
    if (this.#streams.size > 0) this.#wakeAt(this.#toldAt + interval);
  }

  #tellOne(stream: Stream, newChecks: string, status: string): void {
    const { response } = stream;
    if (response.writableLength > 0) {
      stream.skipped += 1;
      if (stream.skipped > maxSkipped) response.destroy();
      return;
    }
    // Of the checks that were skipped with it none is missing in the plot.
    const past = stream.skipped > 0 ? message('checks', this.#options.checks.all) : newChecks;
    stream.skipped = 0;
    response.write(past + status);
  }

  #statusMessage(): string {
    const { events: _events, ...status } = this.#options.status();
    const news: StatusNews = { at: new Date().toISOString(), ...status };
    return message('status', news);
  }

  #wakeAt(due: number): void {
    if (this.#due <= due) return;
    this.#sleep();
    this.#due = due;
    const wake = (): void => {
      this.#due = Number.POSITIVE_INFINITY;
      this.#tell();
    };
    this.#timer = setTimeout(wake, Math.max(0, due - performance.now()));
  }

  #sleep(): void {
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#sleep();
  }
}

function eventMessage({ id, at, ...body }: NumberedEvent): string {
  const news: EventNews = { ...body, at: new Date(at).toISOString() };
  return `id: ${id}\n${message('event', news)}`;
}

/** JSON has no line breaks in it, so that it is one line of data. */
function message(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
