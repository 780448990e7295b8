/**
 * The observe listener: one read-only HTTP server for machines and people who watch.
 *
 *   /         the status page, for people; its files are under /page/
 *   /livez    200 while the process runs
 *   /readyz   200 when clients can be served, else 503 and why; `?verbose` gives JSON for both
 *   /metrics  Prometheus
 *   /status   everything, as JSON
 *   /events   the same as it changes, as server-sent events
 *
 * Owns the paths and the status codes; the stream is event-stream.ts, the page page.ts. It can change nothing, so it needs no protection beyond its
 * address.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AddressInUse, Refusal } from '../config/error.ts';
import { formatHostPort } from '../config/host-port.ts';
import { unusable } from '../config/inherited.ts';
import { http } from '../node-http.ts';
import { EventStreams, type EventStreamsOptions, maxStreams } from './event-stream.ts';
import { Page } from './page.ts';
import type { PageFiles } from './page-files.ts';
import type { Status } from './status.ts';

export interface ObserveOptions {
  readonly host: string;
  readonly port: number;
  /** A socket that listens already, in place of `host` and `port`. */
  readonly inherited?: number | undefined;
  readonly status: () => Status;
  /** What `/events` tells. */
  readonly news: EventStreamsOptions;
  /** Gets the files of the status page when they are first asked for. */
  readonly page: () => Promise<PageFiles>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface ObserveServer {
  /** `undefined` for an inherited Unix socket. */
  readonly port: number | undefined;
  close(): void;
}

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What answers beside the options. */
interface Parts extends ObserveOptions {
  readonly streams: EventStreams;
  readonly files: Page;
}

/**
 * Opens the listener. Throws `AddressInUse` or another `Refusal` when the address cannot be opened,
 * `ConfigError` when the inherited socket cannot be used.
 */
export function openObserveServer(options: ObserveOptions): Promise<ObserveServer> {
  const streams = new EventStreams(options.news);
  const parts: Parts = { ...options, streams, files: new Page(options.page) };
  const server = http.createServer((request, response) => {
    void respond(request, response, parts);
  });
  const { host, port, inherited } = options;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (inherited === undefined) reject(refusal(formatHostPort(host, port), error));
      else reject(unusable(inherited, error));
    });
    server.listen(inherited === undefined ? { host, port } : { fd: inherited }, () => {
      server.removeAllListeners('error');
      server.on('error', () => {}); // a scrape that could not be accepted must not end the balancer
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : undefined,
        close: () => {
          streams.close();
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

function refusal(shown: string, error: NodeJS.ErrnoException): Refusal {
  switch (error.code) {
    case 'EADDRINUSE':
      return new AddressInUse(
        'observe',
        `${shown} is in use by another process; stop it, choose another address, or write off`,
      );
    case 'EADDRNOTAVAIL':
      return new Refusal(
        'observe',
        `${shown} is not an address of this host; write one that is, or off`,
      );
    default:
      return new Refusal('observe', `${shown} cannot be opened: ${error.message}`);
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  parts: Parts,
): Promise<void> {
  const readOnly = request.method === 'GET' || request.method === 'HEAD';
  const answer = readOnly
    ? await answerTo(request, parts).catch(internalError)
    : text(405, 'read-only: GET and HEAD');
  if (answer === 'stream') {
    parts.streams.open(request, response);
    return;
  }
  response.writeHead(answer.code, {
    'content-type': answer.type,
    'cache-control': 'no-store',
    ...(readOnly ? {} : { allow: 'GET, HEAD' }),
    ...answer.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

/** What is answered at once, or that it is to go on as a stream. */
async function answerTo(request: IncomingMessage, parts: Parts): Promise<Answer | 'stream'> {
  const { url: target = '' } = request;
  const url = target.startsWith('/') ? URL.parse(`http://observe${target}`) : null;
  if (url === null) return notFound();
  const verbose = url.searchParams.has('verbose');
  switch (url.pathname) {
    case '/':
      return await pageFile('/', request, parts);
    case '/livez':
      return verbose ? json(200, { alive: true }) : text(200, 'ok');
    case '/readyz':
      return readiness(parts.status(), verbose);
    case '/status':
      return json(200, parts.status());
    case '/events':
      return parts.streams.isFull ? tooManyStreams() : 'stream';
    case '/metrics': {
      const { contentType, text: body } = await parts.metrics();
      return { code: 200, type: contentType, body };
    }
    default:
      return url.pathname.startsWith('/page/')
        ? await pageFile(url.pathname, request, parts)
        : notFound();
  }
}

async function pageFile(path: string, request: IncomingMessage, parts: Parts): Promise<Answer> {
  return (await parts.files.answer(path, request.headers['if-none-match'])) ?? notFound();
}

function tooManyStreams(): Answer {
  const why = `${maxStreams} streams are open, and no more may be; close a status page, or ask /status`;
  return { ...text(503, why), headers: { 'retry-after': '5' } };
}

function readiness(status: Status, verbose: boolean): Answer {
  const why = notReady(status);
  const code = why === undefined ? 200 : 503;
  if (!verbose) return text(code, why ?? 'ok');
  const members = status.members.map(({ name, state, evidence }) => ({ name, state, evidence }));
  return json(code, { ready: why === undefined, reason: why, mode: status.mode, members });
}

function notReady({ mode, stopping }: Status): string | undefined {
  if (stopping) return 'stopping';
  if (mode === 'starting') return 'no member is healthy, and some have not been checked yet';
  if (mode === 'panic') return 'no member is healthy';
  return undefined;
}

function notFound(): Answer {
  return text(404, 'not here; there are / /livez /readyz /metrics /status /events');
}

function text(code: number, body: string): Answer {
  return { code, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function json(code: number, body: unknown): Answer {
  return { code, type: 'application/json', body: `${JSON.stringify(body, null, 2)}\n` };
}

function internalError(error: unknown): Answer {
  return text(500, error instanceof Error ? error.message : String(error));
}
