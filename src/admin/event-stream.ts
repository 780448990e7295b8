/**
 * `/v1/events`: server-sent events for `etcd-lb events` and whoever automates it. Those after Last-Event-ID of the last
 * 300, then each as it comes.
 *
 * Owns the open streams. Nothing is held for who does not read but what the connection has not taken: beyond a fixed
 * number of bytes it is closed, and its reader resumes after the last event that he has.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mostConnections } from '../management/server.ts';
import type { EventLog, NumberedEvent } from '../observe/events/event-log.ts';

/** Streams that may be open at a time. */
export const maxAdminStreams = mostConnections.admin / 2;
/** A stream for which more than this waits to be read is closed, bytes. */
const maxUnread = 512 * 1024;

export class AdminEvents {
  readonly #events: EventLog;
  readonly #streams = new Set<ServerResponse>();

  constructor(events: EventLog) {
    this.#events = events;
  }

  /** Answers with a stream. Does nothing and returns false when there is no room for one more. */
  open(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#streams.size >= maxAdminStreams) return false;
    const known = request.headers['last-event-id'];
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
    });
    response.flushHeaders(); // it begins with its head, not with the first event
    this.#streams.add(response);
    const unfollow = this.#events.subscribe((event) => {
      if (response.writableLength > maxUnread) response.destroy();
      else response.write(message(event));
    });
    response.once('close', () => {
      this.#streams.delete(response);
      unfollow();
    });
    const missed = this.#events.after(typeof known === 'string' ? known : undefined);
    response.write(missed.map(message).join(''));
    return true;
  }
}

/** JSON has no line breaks in it, so that it is one line of data. */
function message({ id, ...event }: NumberedEvent): string {
  const data = JSON.stringify({ ...event, at: new Date(event.at).toISOString() });
  return `event: ${event.kind}\ndata: ${data}\nid: ${id}\n\n`;
}
