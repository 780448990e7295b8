/**
 * Server-sent events: the open streams of a listener, all of which are told the same.
 *
 *   open ──► what is to be known first ──► publish, … ──► its reader leaves, or does not read
 *
 * Owns the form of a message, how many streams there are, and what may wait to be read. Nothing is held for who does not
 * read but what the connection has not taken: beyond a fixed number of bytes it is closed, and its reader resumes after
 * the last event that he has.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A stream for which more than this waits to be read is closed, bytes; all kept events are less. */
const maxUnread = 512 * 1024;

export class SseStreams {
  readonly #limit: number;
  readonly #begin: () => () => void;
  readonly #streams = new Set<ServerResponse>();
  #end = (): void => {};

  /**
   * @param limit streams that may be open at a time.
   * @param begin called when somebody listens; what it returns is called when nobody does any more.
   */
  constructor(limit: number, begin: () => () => void) {
    this.#limit = limit;
    this.#begin = begin;
  }

  /** The open ones. */
  get all(): ReadonlySet<ServerResponse> {
    return this.#streams;
  }

  /**
   * Answers with a stream that goes on until the reader leaves or `close` is called. Does nothing and returns false when
   * there is no room for one more.
   *
   * @param first gives what it begins with, for a reader who has the events up to that id.
   */
  open(
    request: IncomingMessage,
    response: ServerResponse,
    first: (lastId: string | undefined) => string,
  ): boolean {
    const isHead = request.method === 'HEAD';
    if (!isHead && this.#streams.size >= this.#limit) return false;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no', // nginx would hold it back
    });
    if (isHead) {
      response.end();
      return true;
    }
    response.once('close', () => this.#forget(response));
    if (this.#streams.size === 0) this.#end = this.#begin();
    this.#streams.add(response);
    const lastId = request.headers['last-event-id'];
    response.write(first(typeof lastId === 'string' ? lastId : undefined)); // sends the head in any case
    return true;
  }

  /** An event cannot be left out; who comes back asks for those after the last one that he has. */
  publish(text: string): void {
    for (const response of this.#streams) {
      if (response.writableLength > maxUnread) response.destroy();
      else response.write(text);
    }
  }

  /** Ends all streams. */
  close(): void {
    for (const response of this.#streams) {
      response.end();
      this.#forget(response);
    }
  }

  #forget(response: ServerResponse): void {
    if (this.#streams.delete(response) && this.#streams.size === 0) this.#end();
  }
}

/** One message. JSON has no line breaks in it, so that it is one line of data. */
export function message(event: string, data: unknown, id?: string): string {
  const head = id === undefined ? '' : `id: ${id}\n`;
  return `${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A message of what happened `at`, ms since the epoch; that is told as ISO 8601. */
export function eventMessage(
  event: string,
  { id, ...body }: { readonly id: string; readonly at: number },
): string {
  return message(event, { ...body, at: new Date(body.at).toISOString() }, id);
}
