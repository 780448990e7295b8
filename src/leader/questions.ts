/**
 * Two questions to one member, asked often while the leader is in doubt:
 *
 *   status   who leads? Answered by the member alone, from memory.
 *   read     a linearizable read: it succeeds only while a quorum confirms a leader (raft thesis 6.4).
 *
 * Owns one gRPC connection, which grpc-js restores by itself. Questions do not wait for each other: one that
 * was asked before an election may be stuck until its own retry, while the next one passes.
 */
import type { Client, ServiceError } from '@grpc/grpc-js';
import type { MemberTls } from '../certificates/certificates.ts';
import { answerBound, authorityOf, type GrpcTarget, grpcSecurity } from '../etcd/grpc-security.ts';
import { type LeaderView, leaderViewIn } from './status-answer.ts';

/** Bound on each question, ms. */
const timeout = 5_000;
/** Between two attempts to connect, ms: an election is over in the second that grpc-js would wait. */
const reconnectAfter = {
  'grpc.initial_reconnect_backoff_ms': 20,
  'grpc.min_reconnect_backoff_ms': 20,
  'grpc.max_reconnect_backoff_ms': 200,
};

/** `RangeRequest { key: "\0", limit: 1, keys_only: true }`: whatever the first key is, without its value. */
const readFirstKey = Buffer.from([0x0a, 0x01, 0x00, 0x18, 0x01, 0x40, 0x01]);
const nothing = Buffer.alloc(0);
/** What is sent and read is encoded here. */
const asItIs = (bytes: Buffer): Buffer => bytes;

/**
 * etcd refuses a read for want of permission only once it is known to be linearizable (`EtcdServer.Range`
 * waits for the read index and asks about users then), so a refusal proves the same.
 */
const refusedForUser = /permission denied|user name is empty|invalid auth token|revision is old/;

export class Questions {
  readonly #target: GrpcTarget;
  readonly #closed = new AbortController();
  #client: Promise<Client> | undefined;
  /** What `#client` was made with. */
  #tls: MemberTls | undefined;

  constructor(target: GrpcTarget) {
    this.#target = target;
  }

  /** Rejects when there is no answer, for whatever reason. */
  async status(): Promise<LeaderView> {
    return leaderViewIn(await this.#ask('/etcdserverpb.Maintenance/Status', nothing));
  }

  /** Resolves when a linearizable read works; rejects when it does not. */
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
