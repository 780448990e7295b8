/**
 * The health check of one member over etcd's HTTP endpoints.
 *
 * etcd 3.4.29, 3.5.11, 3.6 and later have `GET /readyz`: a linearizable read works, no corruption, not
 * defragmenting. If it answers 404, the probe asks `GET /health?exclude=NOSPACE`: the same read, without the
 * cluster-wide space alarm. That alarm would empty the pool although reads, and the deletes that fix it,
 * still work. The choice lasts as long as the connection, since a restart may bring another version: the
 * second request on a new connection is `/readyz` again.
 *
 * Owns one keep-alive connection to the member, and further ones only while checks overlap. scheduler.ts
 * decides when to check, health.ts what follows from the result.
 */

import type { Agent } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';
import type { MemberTls } from '../certificates/certificates.ts';
import { formatDuration } from '../config/values/duration.ts';
import { classify, type Failure } from '../lib/net/failure.ts';
import { http, https } from '../lib/net/node-http.ts';
import { safeText } from '../lib/text/safe-text.ts';
import type { CheckResult } from './state/check-result.ts';

export interface ProbeOptions {
  /** Scheme, host and port, such as `https://10.0.0.1:2379`; no path. */
  readonly url: string;
  /** For `https`. Called before each check; the same object until certificates are reloaded. */
  readonly tls: () => MemberTls;
  /** Looks up the address of a host name. */
  readonly lookup: LookupFunction;
  /** Is the other end of this socket the balancer itself? Such an endpoint never passes. */
  readonly isSelf: (socket: Socket, port: number) => boolean;
  /** Has the event loop stalled since `start` (of `performance.now()`)? */
  readonly hasStalled: (start: number) => boolean;
}

const readyz = '/readyz';
const healthWithoutSpaceAlarm = '/health?exclude=NOSPACE';

/** Every running etcd answers this, whatever the state of the cluster. Any other answer, such as 404, will do too. */
const version = '/version';
/** After this part of the timeout the answer is late. */
const patience = 1 / 5;

/** The most that is read of an answer, in characters; etcd's answers have some hundred. */
const longestAnswer = 64 * 1024;
/** The most that is kept of an answer as evidence, in characters. */
const evidenceLength = 160;

interface Answer {
  readonly status: number;
  readonly body: string;
}

export class Probe {
  readonly #options: ProbeOptions;
  readonly #client: typeof http | typeof https;
  #agent: Agent;
  #tls: MemberTls;
  /** Agents with the previous certificates, kept while a check is in flight. */
  readonly #retired: Agent[] = [];
  readonly #closed = new AbortController();
  #inFlight = 0;
  #path = readyz;

  /** Throws when the PEM texts cannot be used together (they are validated before). */
  constructor(options: ProbeOptions) {
    this.#options = options;
    this.#client = options.url.startsWith('https:') ? https : http;
    this.#tls = options.tls();
    this.#agent = this.#newAgent();
  }

  /**
   * Runs one check. Never rejects. Checks may overlap.
   *
   * @param timeout bound on the whole check, ms: connecting, TLS, and the answer.
   * @param onAnswer called if the answer is late, but the member has answered a request that needs no other
   * member: its process runs.
   */
  async check(timeout: number, onAnswer: () => void): Promise<CheckResult> {
    const started = performance.now();
    const timeUp = new AbortController();
    const signal = AbortSignal.any([this.#closed.signal, timeUp.signal]);
    this.#inFlight += 1;
    this.#refresh();
    const late = setTimeout(
      () => this.#askWhetherItRuns(timeout * (1 - patience), onAnswer),
      timeout * patience,
    );
    const timer = setTimeout(() => {
      // Timers run before sockets are read: an answer that has already arrived is in time.
      setImmediate(() =>
        timeUp.abort(new TimeoutError(`timed out after ${formatDuration(timeout)}`)),
      );
    }, timeout);
    try {
      const answer = await this.#ask(signal);
      const duration = performance.now() - started;
      if (answer.status === 200) return { ok: true, duration };
      return { ok: false, duration, failure: unhealthy(answer) };
    } catch (error) {
      const duration = performance.now() - started;
      if (error instanceof TimeoutError && this.#options.hasStalled(started)) {
        const detail = 'this host kept the balancer from running during the check';
        return { ok: false, duration, failure: { reason: 'local', detail } };
      }
      return { ok: false, duration, failure: error instanceof SelfError ? self : classify(error) };
    } finally {
      clearTimeout(timer);
      clearTimeout(late);
      this.#inFlight -= 1;
      if (this.#inFlight === 0) for (const agent of this.#retired.splice(0)) agent.destroy();
    }
  }

  /** Closes the connections; checks in flight fail. */
  close(): void {
    this.#closed.abort(new Error('stopped'));
    for (const agent of [this.#agent, ...this.#retired]) agent.destroy();
  }

  /** Makes a new agent if certificates were reloaded. Checks in flight keep their connection. */
  #refresh(): void {
    const tls = this.#options.tls();
    if (tls === this.#tls) return;
    this.#tls = tls;
    this.#retired.push(this.#agent);
    this.#agent = this.#newAgent();
  }

  #newAgent(): Agent {
    const connection = { keepAlive: true, maxFreeSockets: 1, lookup: this.#options.lookup };
    return this.#client === https
      ? new https.Agent({ ...connection, ...this.#tls, minVersion: 'TLSv1.2' })
      : new http.Agent(connection);
  }

  #askWhetherItRuns(timeout: number, onAnswer: () => void): void {
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(timeout)]);
    this.#get(version, signal)
      .then(onAnswer)
      .catch(() => {});
  }

  async #ask(signal: AbortSignal): Promise<Answer> {
    const path = this.#path;
    const answer = await this.#get(path, signal);
    if (answer.status !== 404 || path !== readyz) return answer;
    this.#path = healthWithoutSpaceAlarm;
    return this.#get(healthWithoutSpaceAlarm, signal);
  }

  #get(path: string, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = this.#client.get(this.#options.url + path, { agent: this.#agent });
      const onAbort = (): void => void request.destroy(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      request.on('socket', (socket) => {
        if (!socket.connecting) return;
        // A new connection may reach another version of etcd: begin with `/readyz` again.
        this.#path = readyz;
        socket.once('connect', () => {
          if (this.#options.isSelf(socket, socket.remotePort ?? 0))
            request.destroy(new SelfError());
        });
      });
      request.on('close', () => signal.removeEventListener('abort', onAbort));
      request.on('error', (error) => {
        // The member closed the idle connection earlier. That says nothing about it now.
        if (request.reusedSocket && classify(error).reason === 'reset') {
          resolve(this.#get(path, signal));
        } else {
          reject(error);
        }
      });
      request.on('response', (response) => {
        const status = response.statusCode ?? 0;
        let body = '';
        let read = 0;
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          if (body.length < evidenceLength) body += chunk;
          read += chunk.length;
          if (read <= longestAnswer) return;
          // The begin of a failure says enough. A success must not be this long.
          if (status === 200) reject(new Error(`its answer is longer than ${longestAnswer} bytes`));
          else resolve({ status, body });
          request.destroy();
        });
        response.on('end', () => resolve({ status, body }));
        response.on('error', reject);
      });
    });
  }
}

class SelfError extends Error {}

class TimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
}

const self: Failure = {
  reason: 'self',
  detail: 'this endpoint is the balancer itself; name the etcd member instead',
};

function unhealthy(answer: Answer): Failure {
  const words = safeText(answer.body).slice(0, evidenceLength);
  return { reason: 'unhealthy', detail: `answered ${answer.status}${words && `: ${words}`}` };
}
