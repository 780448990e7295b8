/**
 * The observe listener: one read-only HTTP server for machines and people who watch.
 *
 *   /livez    200 while the process runs
 *   /readyz   200 when clients can be served, else 503 and why; `?verbose` gives JSON for both
 *   /metrics  Prometheus
 *   /status   everything, as JSON
 *
 * Owns the paths and the status codes. It can change nothing, so it needs no protection beyond its
 * address.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AddressInUse, Refusal } from '../config/error.ts';
import { formatHostPort } from '../config/host-port.ts';
import { http } from '../node-http.ts';
import { unusable } from '../service/inherited.ts';
import type { Status } from './status.ts';

export interface ObserveOptions {
  readonly host: string;
  readonly port: number;
  /** A socket that listens already, in place of `host` and `port`. */
  readonly inherited?: number | undefined;
  readonly status: () => Status;
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
}

/**
 * Opens the listener. Throws `AddressInUse` or another `Refusal` when the address cannot be opened,
 * `ConfigError` when the inherited socket cannot be used.
 */
export function openObserveServer(options: ObserveOptions): Promise<ObserveServer> {
  const server = http.createServer((request, response) => {
    void respond(request, response, options);
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
  options: ObserveOptions,
): Promise<void> {
  const readOnly = request.method === 'GET' || request.method === 'HEAD';
  const answer = readOnly
    ? await answerTo(request.url ?? '/', options).catch(internalError)
    : text(405, 'read-only: GET and HEAD');
  response.writeHead(answer.code, {
    'content-type': answer.type,
    'cache-control': 'no-store',
    ...(readOnly ? {} : { allow: 'GET, HEAD' }),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function answerTo(target: string, options: ObserveOptions): Promise<Answer> {
  const url = URL.parse(`http://observe${target}`);
  if (url === null) return notFound();
  const verbose = url.searchParams.has('verbose');
  switch (url.pathname) {
    case '/livez':
      return verbose ? json(200, { alive: true }) : text(200, 'ok');
    case '/readyz':
      return readiness(options.status(), verbose);
    case '/status':
      return json(200, options.status());
    case '/metrics': {
      const { contentType, text: body } = await options.metrics();
      return { code: 200, type: contentType, body };
    }
    default:
      return notFound();
  }
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
  return text(404, 'not here; there are /livez /readyz /metrics /status');
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
