/**
 * Two questions to one member, asked often while the leader is in doubt:
 *
 *   status   who leads? The member answers alone, from memory.
 *   read     a linearizable read: it succeeds only while a quorum confirms a leader (raft thesis 6.4).
 *
 * Owns one gRPC connection, which grpc-js restores by itself. Questions do not wait for each other: one from
 * before an election may be stuck until its own retry, while the next one succeeds.
 */
import type { Client, ServiceError } from '@grpc/grpc-js';
import type { MemberTls } from '../certificates/certificates.ts';
import { answerBound, authorityOf, type GrpcTarget, grpcSecurity } from '../etcd/grpc-security.ts';
import { type LeaderView, leaderViewIn } from './status-answer.ts';

/** Bound on each question, ms. */
const timeout = 5_000;
/** Between two attempts to connect, ms. By default grpc-js waits a second; an election is over by then. */
const reconnectAfter = {
  'grpc.initial_reconnect_backoff_ms': 20,
  'grpc.min_reconnect_backoff_ms': 20,
  'grpc.max_reconnect_backoff_ms': 200,
};

/** `RangeRequest { key: "\0", limit: 1, keys_only: true }`: the first key, without its value. */
const readFirstKey = Buffer.from([0x0a, 0x01, 0x00, 0x18, 0x01, 0x40, 0x01]);
const nothing = Buffer.alloc(0);
/** Requests and answers are encoded and decoded by hand. */
const asItIs = (bytes: Buffer): Buffer => bytes;

/**
 * etcd refuses a read without permission only after it is known to be linearizable (`EtcdServer.Range` waits
 * for the read index first and checks the user then), so a refusal proves the same.
 */
const refusedForUser = /permission denied|user name is empty|invalid auth token|revision is old/;

export class Questions {
  readonly #target: GrpcTarget;
  readonly #closed = new AbortController();
  #client: Promise<Client> | undefined;
  /** The certificates of `#client`. */
  #tls: MemberTls | undefined;

  constructor(target: GrpcTarget) {
    this.#target = target;
  }

  /** Rejects if there is no answer, for whatever reason. */
  async status(): Promise<LeaderView> {
    return leaderViewIn(await this.#ask('/etcdserverpb.Maintenance/Status', nothing));
  }

  /** Resolves if a linearizable read works; else rejects. */
  async read(): Promise<void> {
    try {
      await this.#ask('/etcdserverpb.KV/Range', readFirstKey);
    } catch (error) {
      if (!refusedForUser.test((error as ServiceError).details ?? '')) throw error;
    }
  }

  /** Closes the connection; open questions are rejected. */
  close(): void {
    this.#closed.abort(new Error('stopped'));
    this.#disconnect();
  }

  async #ask(path: string, request: Buffer): Promise<Buffer> {
    const client = await this.#connected();
    const options = { deadline: Date.now() + timeout };
    return await new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(path, asItIs, asItIs, request, options, (error, answer) =>
        answer === undefined ? reject(error) : resolve(answer),
      );
    });
  }

  #connected(): Promise<Client> {
    const tls = this.#target.tls();
    if (tls !== this.#tls) this.#disconnect();
    this.#tls = tls;
    this.#client ??= this.#connect().catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  #disconnect(): void {
    this.#client?.then((client) => client.close()).catch(() => {});
    this.#client = undefined;
  }

  async #connect(): Promise<Client> {
    const { Client, credentials } = await import('@grpc/grpc-js');
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(timeout)]);
    const security = await grpcSecurity(this.#target, signal);
    this.#closed.signal.throwIfAborted();
    return new Client(
      authorityOf(this.#target),
      security === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(security.rootCertificate, security.privateKey, security.certChain),
      {
        ...{ 'grpc.use_local_subchannel_pool': 1, ...reconnectAfter, ...answerBound },
        ...security?.channelOptions,
      },
    );
  }
}
