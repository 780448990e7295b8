/**
 * Adapts Node's HTTP server to the API, which speaks Fetch (WHATWG) as hono does. It is a dozen lines of our own,
 * since hono's package for it loads all of HTTP and HTTP/2 when the program starts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type ApiOptions, adminApi } from './api.ts';

/** Answers a request; resolves when the answer is being sent. Rejects for an invalid request. */
export type Handler = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;

export function adminHandler(options: ApiOptions): Handler {
  const api = adminApi(options);
  return async (incoming, outgoing) => {
    const { method = 'GET', url = '/' } = incoming;
    const hasBody = method !== 'GET' && method !== 'HEAD';
    const request = new Request(new URL(url, 'http://etcd-lb'), {
      method,
      ...(hasBody && { body: await text(incoming) }),
    });
    const response = await api.fetch(request);
    const body = Buffer.from(await response.arrayBuffer());
    const head = { ...Object.fromEntries(response.headers), 'content-length': body.length };
    outgoing.writeHead(response.status, head);
    outgoing.end(body);
  };
}
