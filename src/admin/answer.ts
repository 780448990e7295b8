/**
 * Between Node's HTTP server and what speaks Fetch (WHATWG), as hono does: a dozen lines here, since
 * hono's own package for it brings the whole of HTTP and HTTP/2 into the start of the program.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

/** Has `handle` answer a request; resolves when the answer is over, also when its reader has gone. */
export async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handle: (request: Request) => Response | Promise<Response>,
): Promise<void> {
  const { method = 'GET', url = '/' } = incoming;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const id = incoming.headers['last-event-id'];
  const request = new Request(new URL(url, 'http://etcd-lb'), {
    method,
    ...(hasBody && { body: await text(incoming) }),
    ...(typeof id === 'string' && { headers: { 'last-event-id': id } }),
  });
  const response = await handle(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  // A stream of events begins with its head, not with the first event.
  outgoing.flushHeaders();
  if (response.body === null) outgoing.end();
  else await pipeline(Readable.fromWeb(response.body), outgoing).catch(() => {});
}
