/**
 * One health check of one member over HTTP, as etcd answers it.
 *
 * `GET /readyz` where etcd has it (3.4.29, 3.5.11, 3.6 and later): a linearizable read works, no
 * corruption, not defragmenting. Where it answers 404, `GET /health?exclude=NOSPACE`: the same read,
 * without the cluster-wide space alarm that would empty the pool although reads and the deletes that
 * cure it still work. The choice is remembered until the connection is replaced, since a restart
 * may bring another version: the second question on a new connection is `/readyz` again.
 *
 * Owns one keep-alive connection to the member. Leaves to others when to check (checks.ts) and what
 * follows from the answer (verdict.ts).
 */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { classify, type Failure } from './failure.ts';

/** PEM texts for `https` checks: what to trust, and who we are where etcd asks (mutual TLS). */
export interface ProbeTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface ProbeOptions {
  /** Scheme, host and port, such as `https://10.0.0.1:2379`; no path. */
  readonly url: string;
  readonly tls: ProbeTls;
  /** Bound on the whole check in ms: connecting, TLS, and the answer. */
  readonly timeout: number;
  /** Is the other end of this socket the balancer itself? Such an endpoint never passes. */
  readonly isSelf: (socket: Socket) => boolean;
}

/** How a check ended. `duration` is in ms. */
export type CheckResult =
  | { readonly ok: true; readonly duration: number }
  | { readonly ok: false; readonly duration: number; readonly failure: Failure };

const readyz = '/readyz';
const healthWithoutSpaceAlarm = '/health?exclude=NOSPACE';

/** The longest answer that is kept as evidence, in characters. */
const evidenceLength = 160;

interface Answer {
  readonly status: number;
  readonly body: string;
}

export class Probe {
  readonly #options: ProbeOptions;
  readonly #client: typeof http | typeof https;
  readonly #agent: http.Agent;
  #socket: Socket | undefined;
  #path = readyz;
  #abort: ((reason: Error) => void) | undefined;

  /** Throws when the PEM texts cannot be used together (they are validated before). */
  constructor(options: ProbeOptions) {
    this.#options = options;
    const connection = { keepAlive: true, maxSockets: 1 };
    const secure = options.url.startsWith('https:');
    this.#client = secure ? https : http;
    this.#agent = secure
      ? new https.Agent({ ...connection, ...options.tls, minVersion: 'TLSv1.2' })
      : new http.Agent(connection);
  }

  /** Runs one check. Never rejects. Not to be called again before it has resolved. */
  async check(): Promise<CheckResult> {
    const started = performance.now();
    const { timeout } = this.#options;
    const timer = setTimeout(() => {
      this.#abort?.(
        Object.assign(new Error(`timed out after ${timeout} ms`), { code: 'ETIMEDOUT' }),
      );
    }, timeout);
    try {
      const answer = await this.#ask();
      const duration = performance.now() - started;
      if (answer.status === 200) return { ok: true, duration };
      return { ok: false, duration, failure: unhealthy(answer) };
    } catch (error) {
      const failure = error instanceof SelfError ? error.failure : classify(error);
      return { ok: false, duration: performance.now() - started, failure };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes the connection; a check in flight fails. */
  close(): void {
    this.#abort?.(new Error('stopped'));
    this.#agent.destroy();
  }

  async #ask(): Promise<Answer> {
    const path = this.#path;
    const answer = await this.#get(path);
    if (answer.status !== 404 || path !== readyz) return answer;
    this.#path = healthWithoutSpaceAlarm;
    return this.#get(healthWithoutSpaceAlarm);
  }

  #get(path: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = this.#client.get(this.#options.url + path, { agent: this.#agent });
      this.#abort = (reason) => request.destroy(reason);
      request.on('socket', (socket) => {
        this.#adopt(socket);
        socket.once('connect', () => {
          if (this.#options.isSelf(socket)) request.destroy(new SelfError());
        });
      });
      request.on('error', (error) => {
        // A kept connection that the member closed meanwhile says nothing about the member now.
        if (request.reusedSocket && classify(error).reason === 'reset') {
          resolve(this.#get(path));
        } else {
          reject(error);
        }
      });
      request.on('response', (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          if (body.length < evidenceLength) body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', reject);
      });
    });
  }

  /** A new connection may reach another version of etcd: start with the better question again. */
  #adopt(socket: Socket): void {
    if (socket === this.#socket) return;
    this.#socket = socket;
    this.#path = readyz;
  }
}

class SelfError extends Error {
  readonly failure: Failure = {
    reason: 'self',
    detail: 'this endpoint is the balancer itself; name the etcd member instead',
  };
}

function unhealthy(answer: Answer): Failure {
  const words = answer.body.replace(/\s+/g, ' ').trim().slice(0, evidenceLength);
  return { reason: 'unhealthy', detail: `answered ${answer.status}${words && `: ${words}`}` };
}
