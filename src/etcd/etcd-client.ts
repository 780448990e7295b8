/**
 * A client of one member's gRPC API, through etcd3: asks for its status, and moves the leader.
 *
 * etcd3 takes a tenth of a second and tens of MB to load, so the first request loads it. Its own retries are
 * off: the next poll repeats a failed request.
 *
 * Owns one connection to the member. status-poller.ts decides when to ask.
 */

import type { Interceptor } from '@grpc/grpc-js';
import type { Etcd3 } from 'etcd3';
import type { MemberTls } from '../certificates/certificates.ts';
import { formatDuration } from '../config/values/duration.ts';
import { classify } from '../lib/net/failure.ts';
import { answerBound, authorityOf, type GrpcTarget, grpcSecurity } from './grpc-security.ts';
import { type MemberStatus, statusOf } from './status/member-status.ts';

export interface EtcdClientOptions extends GrpcTarget {
  /** An etcd user, if authentication is enabled. */
  readonly user?: { readonly name: string; readonly password: string };
  /** Bound on each request, ms. */
  readonly timeout: number;
}

export class EtcdClient {
  readonly #options: EtcdClientOptions;
  readonly #closed = new AbortController();
  #etcd: Promise<Etcd3> | undefined;
  /** The certificates of `#etcd`. */
  #tls: MemberTls;

  constructor(options: EtcdClientOptions) {
    this.#options = options;
    this.#tls = options.tls();
  }

  /** Asks for the member's status. Call it one at a time. Rejects with an error of one clause for people. */
  status(): Promise<MemberStatus> {
    return this.#ask(async (etcd) => {
      const at = Date.now();
      const startedAt = performance.now();
      let duration = 0;
      // The member answers both alone, even without a leader. A learner refuses the second.
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
      return statusOf(status, members, { at, duration });
    });
  }

  /**
   * Makes this member, which must be the leader, hand over to the member with the id `to` (hexadecimal). etcd
   * checks for the outcome once per heartbeat interval, so the answer comes up to 100 ms after the change.
   * Rejects with an error of one clause for people.
   */
  async moveLeader(to: string): Promise<void> {
    const targetID = BigInt(`0x${to}`).toString();
    await this.#ask((etcd) => etcd.maintenance.moveLeader({ targetID }));
  }

  /**
   * The token of the user, for a connection of another kind; `undefined` where there is no user. etcd forgets it after five
   * minutes by default. Rejects with an error of one clause for people.
   */
  token(): Promise<string | undefined> {
    const { user } = this.#options;
    if (user === undefined) return Promise.resolve(undefined);
    return this.#ask((etcd) => authenticate(etcd, user));
  }

  /**
   * Puts a key that is not there yet, for `ttl` seconds. Resolves with `undefined` when it did, else with the value that is
   * there. Rejects with an error of one clause for people.
   */
  claim(key: string, value: string, ttl: number): Promise<string | undefined> {
    return this.#ask(async (etcd) => {
      const { ID } = await etcd.leaseClient.leaseGrant({ TTL: ttl });
      const { succeeded, responses } = await etcd
        .if(key, 'Create', '==', 0)
        .then(etcd.put(key).value(value).lease(ID))
        .else(etcd.get(key))
        .commit();
      if (succeeded) return undefined;
      await etcd.leaseClient.leaseRevoke({ ID });
      return responses[0]?.response_range?.kvs[0]?.value.toString() ?? '';
    });
  }

  /** Puts a key for `ttl` seconds, in place of what is there. Rejects with an error of one clause for people. */
  put(key: string, value: string, ttl: number): Promise<void> {
    return this.#ask(async (etcd) => {
      const { ID } = await etcd.leaseClient.leaseGrant({ TTL: ttl });
      await etcd.put(key).value(value).lease(ID).exec();
    });
  }

  /** Deletes a key. Rejects with an error of one clause for people. */
  async remove(key: string): Promise<void> {
    await this.#ask((etcd) => etcd.delete().key(key).exec());
  }

  /** Closes the connection. A request in flight fails. */
  close(): void {
    this.#closed.abort(new Error('stopped'));
    this.#disconnect();
  }

  async #ask<T>(question: (etcd: Etcd3) => Promise<T>): Promise<T> {
    const tls = this.#options.tls();
    if (tls !== this.#tls) this.#disconnect();
    this.#tls = tls;
    try {
      this.#etcd ??= this.#connect();
      return await question(await this.#etcd);
    } catch (error) {
      // The next request makes a new connection: the member may have restarted with another certificate, and
      // grpc-js would wait ever longer between its attempts.
      this.#disconnect();
      throw new Error(explain(error, this.#options), { cause: error });
    }
  }

  #disconnect(): void {
    this.#etcd?.then((etcd) => etcd.close()).catch(() => {});
    this.#etcd = undefined;
  }

  async #connect(): Promise<Etcd3> {
    const { scheme, timeout } = this.#options;
    const [{ Etcd3 }, { noop }] = await Promise.all([import('etcd3'), import('cockatiel')]);
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(timeout)]);
    const security = await grpcSecurity(this.#options, signal);
    const { channelOptions, ...credentials } = security ?? {};
    let interceptors: Interceptor[] = [];
    const etcd = new Etcd3({
      hosts: `${scheme}://${authorityOf(this.#options)}`,
      ...(security && {
        credentials: { ...credentials, rootCertificate: security.rootCertificate },
      }),
      // Without this, all clients of this process would share one connection to the same member.
      grpcOptions: { 'grpc.use_local_subchannel_pool': 1, ...answerBound, ...channelOptions },
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
   * Logs in and returns the interceptors that add the user's token to every call. The `auth` option of etcd3 is
   * of no use: it requests the token on a connection without our options, such as the server name, and leaves it
   * open.
   */
  async #login(etcd: Etcd3): Promise<Interceptor[]> {
    const { user } = this.#options;
    if (user === undefined) return [];
    const { InterceptingCall } = await import('@grpc/grpc-js');
    const token = await authenticate(etcd, user);
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
}

async function authenticate(
  etcd: Etcd3,
  { name, password }: NonNullable<EtcdClientOptions['user']>,
): Promise<string> {
  const { token } = await etcd.auth.authenticate({ name, password });
  return token;
}

/** One clause for people, without the words that gRPC adds. */
function explain(error: unknown, { timeout }: EtcdClientOptions): string {
  const { name, message } = error as Error;
  if (name === 'TimeoutError' || name === 'GRPCDeadlineExceededError' || /Deadline/.test(message)) {
    return `did not answer over gRPC within ${formatDuration(timeout)}`;
  }
  return classify(error).detail.replace(/^\d+ [A-Z_]+: /, '');
}
