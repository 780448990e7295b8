/**
 * One member's snapshot as a stream, over HTTP/2 without a gRPC library: what etcd sends goes from the socket to the
 * consumer in the pieces in which it arrives. Through grpc-js, which decodes and copies each message, the same took 2.4 to 3
 * times as long, and longer than `etcdctl snapshot save`.
 *
 * Owns one connection and the words for what goes wrong with it.
 */
import { once } from 'node:events';
import http2 from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { authorityOf, type GrpcTarget } from '../etcd/grpc-security.ts';
import { classify } from '../lib/net/failure.ts';
import { safeText } from '../lib/text/safe-text.ts';

/** Bytes on their way at a time. More is no faster on a local network, and costs memory. */
const window = 1024 * 1024;
/** gRPC's head of an empty message, which is the request. */
const emptyMessage = Buffer.alloc(5);

export interface SnapshotStreamOptions extends GrpcTarget {
  /** The token of an etcd user, if authentication is enabled. */
  readonly token: string | undefined;
  /** For the connection, and between two pieces, ms. */
  readonly patience: number;
  readonly signal: AbortSignal;
}

/**
 * Asks for a snapshot. Resolves when the answer has ended well. Rejects with one clause when the member cannot be reached,
 * refuses, falls silent or breaks off; with what `take` throws; with the signal's reason when aborted.
 *
 * @param take gets the bytes of the answer, messages of gRPC (messages.ts), which are its own only during the call. Where it
 *   returns a promise nothing more is read until that resolves.
 */
export async function readSnapshot(
  options: SnapshotStreamOptions,
  take: (bytes: Buffer) => Promise<void> | undefined,
): Promise<void> {
  const { token, patience, signal } = options;
  signal.throwIfAborted();
  const session = http2.connect(`${options.scheme}://${authorityOf(options)}`, {
    createConnection: () => dial(options),
    settings: { initialWindowSize: window, enablePush: false },
  });
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error(silent(patience))), patience);
  const ended = AbortSignal.any([signal, silence.signal]);
  const end = (): void => session.destroy();
  ended.addEventListener('abort', end);
  try {
    const failed = once(session, 'error').then(([error]) => Promise.reject(error));
    failed.catch(() => {}); // when nobody waits any more
    await Promise.race([once(session, 'connect', { signal: ended }), failed]);
    session.setLocalWindowSize(window);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/etcdserverpb.Maintenance/Snapshot',
      ...{ 'content-type': 'application/grpc', te: 'trailers', ...(token && { token }) },
    });
    const status = statusOf(stream);
    stream.end(emptyMessage);
    await consume(stream, take, () => timer.refresh());
    ended.throwIfAborted();
    const refusal = refusalOf(status());
    if (refusal !== undefined) throw new Error(refusal);
  } catch (error) {
    if (ended.aborted) throw ended.reason;
    throw error instanceof Error && !('code' in error) ? error : new Error(classify(error).detail);
  } finally {
    clearTimeout(timer);
    ended.removeEventListener('abort', end);
    session.destroy();
  }
}

/** Not by an async iterator, which costs as much again as the rest. */
function consume(
  stream: http2.ClientHttp2Stream,
  take: (bytes: Buffer) => Promise<void> | undefined,
  onAlive: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('end', resolve);
    stream.on('close', resolve);
    stream.on('data', (bytes: Buffer) => {
      onAlive();
      try {
        const taken = take(bytes);
        if (taken === undefined) return;
        stream.pause();
        taken.then(() => {
          onAlive(); // the consumer may take its time
          stream.resume();
        }, reject);
      } catch (error) {
        reject(error);
      }
    });
  });
}

function dial({ scheme, host, address = host, port, tls }: GrpcTarget) {
  if (scheme === 'http') return connectTcp({ host: address, port });
  // `host` is what the certificate is compared with, and a name is sent as SNI; the address is where to go.
  const socket = connectTcp({ host: address, port });
  const secure = connectTls({
    ...{ socket, host, minVersion: 'TLSv1.2', ALPNProtocols: ['h2'], ...tls() },
  });
  socket.on('error', (error) => secure.destroy(error));
  return secure;
}

type GrpcStatus = Readonly<Record<string, string | string[] | number | undefined>>;

/** gRPC tells the outcome in the trailers, or, of a call that it refuses at once, in the headers. */
function statusOf(stream: http2.ClientHttp2Stream): () => GrpcStatus {
  let status: GrpcStatus = {};
  const take = (headers: http2.IncomingHttpHeaders): void => {
    status = { ...status, ...headers };
  };
  stream.on('response', take);
  stream.on('trailers', take);
  return () => status;
}

/** `undefined` for a call that went well; else one clause. */
function refusalOf(status: GrpcStatus): string | undefined {
  const code = status['grpc-status'];
  if (code === '0') return undefined;
  if (code === undefined)
    return `the member broke off (HTTP status ${status[':status'] ?? 'none'})`;
  const message = safeText(
    decodeURIComponent(String(status['grpc-message'] ?? `gRPC code ${code}`)),
  );
  return `the member refuses: ${message.replace(/^etcdserver: /, '')}`;
}

function silent(ms: number): string {
  return `nothing arrived for ${ms / 1_000} s`;
}
