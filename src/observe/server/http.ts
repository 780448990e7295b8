/**
 * The observe listener: one read-only HTTP server for machines and people.
 *
 *   /         the status page, for people; its files are under /page/
 *   /livez    200 while the process runs
 *   /readyz   200 when clients can be served, else 503 and the reason; `?verbose` gives JSON for both
 *   /metrics  Prometheus
 *   /status   everything, as JSON
 *   /events   every change of it, as server-sent events
 *
 * Owns the paths and the status codes. event-stream.ts is the stream, page.ts the page, management/server.ts bounds
 * the visitors. The listener can change nothing, so its address is its protection, with one exception: a web page from
 * elsewhere must not read it through a visitor's browser. The browser prevents that, unless the page makes its own
 * name resolve to this host (DNS rebinding); then the request carries that name as its Host. So what people look
 * at (`/`, `/status`, `/events`) is served only under an IP address, localhost, and configured names (hosts.ts).
 * What machines ask for is served under any name: kubelet and Prometheus send the name that they were configured with,
 * such as that of a Kubernetes service, and a failing probe would restart the balancer. Hence `/metrics` is open to
 * anyone who can reach the listener, and to such a page.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatHostPort } from '../../lib/net/host-port.ts';
import { AddressInUse, SettingError } from '../../lib/setting-error.ts';
import {
  BoundedServer,
  type Bounds,
  type Exchange,
  mostConnections,
  type RefusalReason,
} from '../../management/server.ts';
import { whyUnserved } from '../concerns.ts';
import type { Status } from '../status.ts';
import { EventStreams, type EventStreamsOptions, maxStreams } from './event-stream.ts';
import { Fresh } from './fresh.ts';
import { isOwnHost } from './hosts.ts';
import { Page, type PageFiles } from './page.ts';

/** The bounds on all visitors together. */
export const observeBounds: Bounds = {
  connections: mostConnections.observe,
  ...{ head: 10_000, answer: 60_000 },
  ...{ requests: 1_000, headBytes: 8_192, bodyBytes: 0 },
};

export interface ObserveOptions {
  readonly host: string;
  readonly port: number;
  /** The descriptor of a listening socket, in place of `host` and `port`. */
  readonly inherited?: number | undefined;
  readonly status: () => Status;
  /** What `/events` sends. */
  readonly stream: EventStreamsOptions;
  /** Gets the files of the status page when they are first asked for. */
  readonly page: () => Promise<PageFiles>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** Names in the Host header that are accepted, besides addresses. */
  readonly names: readonly string[];
  readonly onRefused: (reason: RefusalReason) => void;
}

export interface ObserveServer {
  /** `undefined` for an inherited Unix socket. */
  readonly port: number | undefined;
  close(): void;
}

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The options, and what is made from them. */
interface Parts extends ObserveOptions {
  readonly streams: EventStreams;
  readonly files: Page;
  readonly readiness: Fresh<Status>;
  /** Long answers that many may ask for: made once for all who wait. */
  readonly statusText: Fresh<Answer>;
  readonly metricsText: Fresh<Promise<Answer>>;
}

/**
 * Opens the listener. Throws `AddressInUse` or another `SettingError` when the address cannot be
 * opened, `ConfigError` when the inherited socket cannot be used.
 */
export async function openObserveServer(options: ObserveOptions): Promise<ObserveServer> {
  const streams = new EventStreams(options.stream);
  const parts: Parts = {
    ...{ ...options, streams, files: new Page(options.page) },
    readiness: new Fresh(options.status),
    statusText: new Fresh(() => encoded(json(200, options.status()))),
    metricsText: new Fresh(async () => {
      const { contentType, text: body } = await options.metrics();
      return encoded({ code: 200, type: contentType, body });
    }),
  };
  const server = new BoundedServer({
    bounds: observeBounds,
    handle: (exchange) => void respond(exchange, parts),
    refuse: (response, code, why) => send(response, text(code, why), false),
    onRefused: options.onRefused,
  });
  const { host, port, inherited } = options;
  const bound = await server.listen(
    inherited === undefined ? { host, port } : { fd: inherited },
    (error) => listenError(formatHostPort(host, port), error),
  );
  return {
    port: bound,
    close: () => {
      streams.close();
      server.close();
    },
  };
}

function listenError(shown: string, { code, message }: NodeJS.ErrnoException): SettingError {
  if (code === 'EADDRINUSE') {
    return new AddressInUse(
      'observe',
      `${shown} is in use by another process; stop it, choose another address, or write off`,
    );
  }
  const isElsewhere = code === 'EADDRNOTAVAIL';
  const why = isElsewhere
    ? 'is not an address of this host; write one that is, or off'
    : `cannot be opened: ${message}`;
  return new SettingError('observe', `${shown} ${why}`);
}

async function respond({ request, response, arrivedAt, isStream }: Exchange, parts: Parts) {
  const readOnly = request.method === 'GET' || request.method === 'HEAD';
  const answer = readOnly
    ? await answerTo(request, arrivedAt, parts).catch(internalError)
    : { ...text(405, 'read-only: GET and HEAD'), headers: { allow: 'GET, HEAD' } };
  if (answer !== 'stream') send(response, answer, request.method === 'HEAD');
  else if (parts.streams.open(request, response)) isStream();
  else {
    parts.onRefused('streams');
    const why = `${maxStreams} streams are open, and no more may be; close a status page, or ask /status`;
    send(response, { ...text(503, why), headers: { 'retry-after': '5' } }, false);
  }
}

function send(response: ServerResponse, answer: Answer, isHead: boolean): void {
  const { code, type, headers, body } = answer;
  response.writeHead(code, {
    ...{ 'content-type': type, 'content-length': Buffer.byteLength(body) },
    ...{ 'cache-control': 'no-store', ...headers },
  });
  response.end(isHead ? undefined : body);
}

/** The answer, or `stream` where the answer is a stream. */
async function answerTo(
  request: IncomingMessage,
  arrivedAt: number,
  parts: Parts,
): Promise<Answer | 'stream'> {
  const { url: target = '' } = request;
  const url = target.startsWith('/') ? URL.parse(`http://observe${target}`) : null;
  if (url === null) return notFound();
  const verbose = url.searchParams.has('verbose');
  switch (url.pathname) {
    case '/livez':
      return verbose ? json(200, { alive: true }) : text(200, 'ok');
    case '/readyz':
      return readiness(parts.readiness.since(arrivedAt), verbose);
    case '/metrics':
      return parts.metricsText.since(arrivedAt);
    default:
      return forPeople(url.pathname, request, arrivedAt, parts);
  }
}

/** Answers that a page from elsewhere must not read. */
async function forPeople(
  path: string,
  request: IncomingMessage,
  arrivedAt: number,
  parts: Parts,
): Promise<Answer | 'stream'> {
  const { host } = request.headers;
  if (!isOwnHost(host, parts.names)) {
    parts.onRefused('host');
    return text(
      421,
      `${path} is not served under the name in the Host header; ask by IP address or localhost, or start etcd-lb with that name in --observe-names`,
    );
  }
  switch (path) {
    case '/status':
      return parts.statusText.since(arrivedAt);
    case '/events':
      return 'stream';
    case '/':
      break;
    default:
      if (!path.startsWith('/page/')) return notFound();
  }
  return (await parts.files.answer(path, request.headers['if-none-match'])) ?? notFound();
}

function readiness(status: Status, verbose: boolean): Answer {
  const why = notReady(status);
  const code = why === undefined ? 200 : 503;
  if (!verbose) return text(code, why ?? 'ok');
  const members = status.members.map(({ name, state, evidence }) => ({ name, state, evidence }));
  return json(code, { ready: why === undefined, reason: why, mode: status.mode, members });
}

function notReady(status: Status): string | undefined {
  const { mode, stopping } = status;
  if (stopping) return 'stopping';
  const unserved = whyUnserved(status);
  if (unserved !== undefined) return unserved;
  if (mode === 'starting') return 'no member is healthy, and some have not been checked yet';
  if (mode === 'panic') return 'no member is healthy';
  return undefined;
}

function notFound(): Answer {
  return text(404, 'not found; there are / /livez /readyz /metrics /status /events');
}

function text(code: number, body: string): Answer {
  return { code, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function json(code: number, body: unknown): Answer {
  return { code, type: 'application/json', body: `${JSON.stringify(body, null, 2)}\n` };
}

/** The body as bytes, which all who get this answer share. */
function encoded(answer: Answer): Answer {
  return { ...answer, body: Buffer.from(answer.body) };
}

function internalError(error: unknown): Answer {
  return text(500, error instanceof Error ? error.message : String(error));
}
