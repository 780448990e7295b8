/**
 * Between Node's HTTP server and what speaks Fetch (WHATWG), as hono does: a dozen lines here, since
 * hono's own package for it brings the whole of HTTP and HTTP/2 into the start of the program.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** Has `handle` answer a request; resolves when the answer is on its way. Rejects for one that makes no sense. */
export async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handle: (request: Request) => Response | Promise<Response>,
): Promise<void> {
  const { method = 'GET', url = '/' } = incoming;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const request = new Request(new URL(url, 'http://etcd-lb'), {
    method,
    ...(hasBody && { body: await text(incoming) }),
  });
  const response = await handle(request);
  const body = Buffer.from(await response.arrayBuffer());
  const head = { ...Object.fromEntries(response.headers), 'content-length': body.length };
  outgoing.writeHead(response.status, head);
  outgoing.end(body);
}
