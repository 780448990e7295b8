/**
 * One member's gRPC API, through etcd3: what it is, and whom it knows.
 *
 * etcd3 takes a tenth of a second and tens of MB to load, so it is loaded with the first question and
 * not before. Its own retries are off: a question that fails is asked again in the next round.
 *
 * Owns one connection to the member. Leaves to others when to ask (inspector.ts).
 */
import { rootCertificates } from 'node:tls';
import type { Interceptor } from '@grpc/grpc-js';
import type { Etcd3, IOptions } from 'etcd3';
import type { MemberTls } from '../config/certificates.ts';
import { factsOf, type MemberFacts } from './facts.ts';
import { classify } from './failure.ts';
import { serverName } from './server-name.ts';

export interface EtcdClientOptions {
  readonly scheme: 'http' | 'https';
  /** Without brackets. */
  readonly host: string;
  /** Of the host, where that is a name that several members share. */
  readonly address?: string | undefined;
  readonly port: number;
  /** As for the checks; asked before each question. */
  readonly tls: () => MemberTls;
  /** Of etcd's own users, where it has some. */
  readonly user?: { readonly name: string; readonly password: string };
  /** Bound on each question, ms. */
  readonly timeout: number;
}

export class EtcdClient {
  readonly #options: EtcdClientOptions;
  readonly #closed = new AbortController();
  #etcd: Promise<Etcd3> | undefined;
  /** What `#etcd` was made with. */
  #tls: MemberTls;

  constructor(options: EtcdClientOptions) {
    this.#options = options;
    this.#tls = options.tls();
  }

  /** Asks the member; one question at a time. Rejects with an error of one clause for people. */
  async inspect(): Promise<MemberFacts> {
    const tls = this.#options.tls();
    if (tls !== this.#tls) this.#disconnect();
    this.#tls = tls;
    try {
      this.#etcd ??= this.#connect();
      const etcd = await this.#etcd;
      const at = Date.now();
      const startedAt = performance.now();
      let duration = 0;
      // Both are answered by the member alone, also when it has no leader. A learner refuses the second.
      const [status, members] = await Promise.all([
        etcd.maintenance.status().finally(() => {
          duration = performance.now() - startedAt;
        }),
        etcd.cluster.memberList({}).then(
          (list) => list.members,
          (error: Error) => {
            if (/not supported for learner/.test(error.message)) return [];
            throw error;
          },
        ),
      ]);
      return factsOf(status, members, { at, duration });
    } catch (error) {
      // The next question begins anew: the member may be another one by then, with another certificate,
      // and grpc-js would wait ever longer before it tries again.
      this.#disconnect();
      throw new Error(inWords(error, this.#options), { cause: error });
    }
  }

  /** Closes the connection; a question in flight fails. */
  close(): void {
    this.#closed.abort(new Error('stopped'));
    this.#disconnect();
  }

  #disconnect(): void {
    this.#etcd?.then((etcd) => etcd.close()).catch(() => {});
    this.#etcd = undefined;
  }

  async #connect(): Promise<Etcd3> {
    const { scheme, host, address = host, port, timeout } = this.#options;
    const [{ Etcd3 }, { noop }] = await Promise.all([import('etcd3'), import('cockatiel')]);
    const authority = address.includes(':') ? `[${address}]` : address;
    const security = await this.#security();
    let interceptors: Interceptor[] = [];
    const etcd = new Etcd3({
      hosts: `${scheme}://${authority}:${port}`,
      ...security,
      // Not one connection for all clients of this process that ask the same member.
      grpcOptions: { 'grpc.use_local_subchannel_pool': 1, ...security.grpcOptions },
      defaultCallOptions: () => ({ deadline: Date.now() + timeout, interceptors }),
      faultHandling: { host: () => noop, global: noop },
    });
    try {
      interceptors = await this.#login(etcd);
    } catch (error) {
      etcd.close();
      throw error;
    }
    return etcd;
  }

  /**
   * What makes every call the user's. Not with the `auth` of etcd3: that asks for the token on a
   * connection without our options, such as the server's name, and leaves it open.
   */
  async #login(etcd: Etcd3): Promise<Interceptor[]> {
    const { user } = this.#options;
    if (user === undefined) return [];
    const { InterceptingCall } = await import('@grpc/grpc-js');
    const { token } = await etcd.auth.authenticate({ name: user.name, password: user.password });
    return [
      (options, nextCall) =>
        new InterceptingCall(nextCall(options), {
          start: (metadata, listener, next) => {
            metadata.set('token', token);
            next(metadata, listener);
          },
        }),
    ];
  }

  async #security(): Promise<Partial<Pick<IOptions, 'credentials' | 'grpcOptions'>>> {
    const { scheme, host, port, timeout } = this.#options;
    if (scheme === 'http') return {};
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(timeout)]);
    const { ca = rootCertificates.join('\n'), cert, key } = this.#tls;
    return {
      credentials: {
        rootCertificate: Buffer.from(ca),
        ...(cert !== undefined && { certChain: Buffer.from(cert) }),
        ...(key !== undefined && { privateKey: Buffer.from(key) }),
      },
      grpcOptions: {
        'grpc.ssl_target_name_override': await serverName({ host, port, ...this.#tls }, signal),
      },
    };
  }
}

/** gRPC wraps what happened in words of its own; these are the ones to act on. */
function inWords(error: unknown, { timeout }: EtcdClientOptions): string {
  const { name, message } = error as Error;
  if (name === 'TimeoutError' || name === 'GRPCDeadlineExceededError' || /Deadline/.test(message)) {
    return `did not answer over gRPC within ${timeout} ms`;
  }
  return classify(error).detail.replace(/^\d+ [A-Z_]+: /, '');
}
