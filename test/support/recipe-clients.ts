/** The clients of a cluster while recipes are carried out. They repeat nothing, and remember what failed. */
import { expect } from 'vitest';
import type { ClientCredentials } from './certificates.ts';
import { Load, type Request } from './load.ts';

const clients = 12;
/**
 * Between two requests of a client, ms. Where calls are not followed, a client that never pauses leaves no gap, and its
 * session is cut when the time of a drain is over: that is what the page says it costs.
 */
const pace = { plain: 10, tls: 100 };

export class Clients implements AsyncDisposable {
  readonly #mayFail: number;
  readonly #running: Load[] = [];
  /** Errors of clients that have stopped. */
  readonly #past: string[] = [];

  /** @param mayFail how many calls within TLS may be cut together with their session. */
  constructor(mayFail: number) {
    this.#mayFail = mayFail;
  }

  /** As many as ever, from now on. Resolves when each has been served. */
  async start(
    host: string,
    certificates: ClientCredentials | undefined,
    request?: Request,
  ): Promise<void> {
    const options = { certificates, ...(request && { request }) };
    const load = new Load(host, clients, certificates ? pace.tls : pace.plain, options);
    this.#running.push(load);
    await load.everyoneServed();
  }

  /** Those that were started first end, as for a restart with other flags. */
  async stopFirst(): Promise<void> {
    const load = this.#running.shift();
    if (load === undefined) throw new Error('there are no clients');
    await load[Symbol.asyncDispose]();
    this.#past.push(...load.errors);
  }

  /** Each has asked something after this call, and nothing has failed but what the page allows. */
  async nothingFailed(at: string, history?: string): Promise<void> {
    // Those whose call is stuck too: it has failed by then.
    await Promise.all(this.#running.map((load) => load.everyoneServed()));
    const errors = [...this.#past, ...this.#running.flatMap((load) => load.errors)];
    const isCut = (error: string): boolean => error.includes('Connection dropped');
    const failed = errors.filter((error) => !isCut(error));
    failed.push(...errors.filter(isCut).slice(this.#mayFail));
    expect({ at, failed }, history).toEqual({ at, failed: [] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((load) => load[Symbol.asyncDispose]()));
  }
}
