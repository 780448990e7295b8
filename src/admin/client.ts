/**
 * The client of the admin socket, for the commands.
 *
 * Owns the requests, and the sentence when nobody answers. The operations are those of api.ts.
 */
import { once } from 'node:events';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { createInterface } from 'node:readline';
import { http } from '../lib/net/node-http.ts';
import { SentenceError } from '../lib/sentence-error.ts';
import type { Status } from '../observe/status.ts';

/** One sentence for the operator: nobody answers, or the operation was refused. */
export class AdminError extends SentenceError {
  override readonly name = 'AdminError';
}

/** How long an answer may take, ms; a reload asks members twice before it answers. */
const patience = 30_000;

/** An event as it is sent; `at` is ISO 8601. */
export type ToldEvent = Status['events'][number];

export class AdminClient {
  readonly #path: string;

  /** @param path of the socket. */
  constructor(path: string) {
    this.#path = path;
  }

  status(): Promise<Status> {
    return this.get('/v1/status');
  }

  /** Rejects with `AdminError`. */
  get<T>(path: string): Promise<T> {
    return this.#exchange('GET', path);
  }

  /** Rejects with `AdminError`. */
  post<T>(path: string, body: object = {}): Promise<T> {
    return this.#exchange('POST', path, JSON.stringify(body));
  }

  /** The kept events, then each new one, until `signal` aborts or the balancer ends. */
  async *events(signal: AbortSignal): AsyncGenerator<ToldEvent> {
    const response = await this.#send({ path: '/v1/events', signal });
    try {
      for await (const line of createInterface({ input: response })) {
        if (line.startsWith('data: ')) yield JSON.parse(line.slice(6)) as ToldEvent;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #exchange<T>(method: string, path: string, body?: string): Promise<T> {
    const signal = AbortSignal.timeout(patience);
    const response = await this.#send({ method, path, signal }, body);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    const answer = JSON.parse(text);
    if (response.statusCode !== 200) throw new AdminError(sentence(answer.error));
    return answer as T;
  }

  async #send(options: RequestOptions, body?: string): Promise<IncomingMessage> {
    const request = http.request({ ...options, socketPath: this.#path, host: 'etcd-lb' });
    try {
      request.end(body);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      return response;
    } catch (error) {
      throw new AdminError(this.#explain(error as NodeJS.ErrnoException));
    }
  }

  #explain({ code, name, message }: NodeJS.ErrnoException): string {
    const path = this.#path;
    switch (code) {
      case 'ENOENT':
        return `There is no admin socket ${path}: start etcd-lb, or give the path that its log or --admin-socket names.`;
      case 'EACCES':
        return `This user may not open ${path}: run this as the user that runs etcd-lb, or as root.`;
      case 'ECONNREFUSED':
        return `Nobody listens on ${path}: its etcd-lb has ended; start it again.`;
      default:
        return name === 'AbortError' || name === 'TimeoutError'
          ? `etcd-lb does not answer on ${path} within ${patience / 1000} s: check its process and its log.`
          : `${path} cannot be used: ${message}.`;
    }
  }
}

function sentence(text: unknown): string {
  const words = String(text ?? 'it was refused without a reason');
  return /[.?!]$/.test(words) ? words : `${words}.`;
}
