/**
 * Server-sent events: the open streams of a listener, which all get the same messages.
 *
 *   open ──► first messages ──► publish, … ──► its reader leaves, or does not read
 *
 * Owns the format of a message, the number of streams, and how much may wait to be read. Only the connection's own
 * buffer holds data for a slow reader. Beyond a fixed number of bytes the stream is closed, and its reader resumes
 * after the last event it has.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A stream with more unread bytes than this is closed. All kept events are less. */
const maxUnread = 512 * 1024;

export class SseStreams {
  readonly #limit: number;
  readonly #begin: () => () => void;
  readonly #streams = new Set<ServerResponse>();
  #end = (): void => {};

  /**
   * @param limit how many streams may be open at a time.
   * @param begin called when the first stream opens; the function it returns is called when the last one closes.
   */
  constructor(limit: number, begin: () => () => void) {
    this.#limit = limit;
    this.#begin = begin;
  }

  /** The open streams. */
  get all(): ReadonlySet<ServerResponse> {
    return this.#streams;
  }

  /**
   * Answers with a stream until the reader leaves or `close` is called. Does nothing and returns false when
   * the limit is reached.
   *
   * @param first gives the first messages for a reader that has the events up to `lastId`.
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
      'x-accel-buffering': 'no', // else nginx would buffer it
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

  /** Sends to all streams. Nothing is skipped: a stream too far behind is closed, and its reader resumes. */
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

/** One message. JSON contains no line breaks, so that the data is one line. */
export function message(event: string, data: unknown, id?: string): string {
  const head = id === undefined ? '' : `id: ${id}\n`;
  return `${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A message of an event. `at`, ms since the epoch, is sent as ISO 8601. */
export function eventMessage(
  event: string,
  { id, ...body }: { readonly id: string; readonly at: number },
): string {
  return message(event, { ...body, at: new Date(body.at).toISOString() }, id);
}
