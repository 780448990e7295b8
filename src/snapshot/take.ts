/**
 * Takes a snapshot: one member after the other until one has sent a whole one.
 *
 *   candidates ──► readSnapshot ──► messages ──► verifier
 *                                       └──────► sink
 *
 * A snapshot cannot be continued by another member: each has its own pages. So the next one begins anew, in a new sink.
 * Owns the order of the attempts and their words. Where bytes go is sink.ts, where they come from connection.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { heapOfV8 } from '../lib/heap.ts';
import { SentenceError } from '../lib/sentence-error.ts';
import { inWords } from '../lib/system-error.ts';
import { readSnapshot, type SnapshotStreamOptions } from './connection.ts';
import type { Sink } from './file/sink.ts';
import { SnapshotVerifier } from './file/verifier.ts';
import { SnapshotMessages } from './messages.ts';
import { waitFor } from './rate.ts';

/**
 * Received before garbage is collected, bytes. What the network brings is garbage at once, but V8 sees only its small
 * handles, and would wait until 60 MB are lost.
 */
const garbage = 4 * 1024 * 1024;

export type Source = { readonly name: string } & Omit<SnapshotStreamOptions, 'signal'>;

export interface TakeOptions {
  /** The best first. */
  readonly sources: readonly Source[];
  /** Where it goes, for people. */
  readonly target: string;
  /** Begins anew for each attempt. `undefined` where no second attempt can be made, since bytes have gone out. */
  readonly sink: () => Promise<Sink | undefined>;
  /** Bytes a second; `undefined` for no bound. */
  readonly maxRate: number | undefined;
  readonly signal: AbortSignal;
  /** Called after every piece: keep it short. */
  readonly onProgress: (progress: Progress) => void;
  /** Called with one clause when a member did not send a whole snapshot. */
  readonly onFailed: (name: string, why: string) => void;
}

export interface Progress {
  readonly from: string;
  /** Bytes received in this attempt. */
  readonly received: number;
  /** Bytes of the database; `undefined` until it is known. */
  readonly size: number | undefined;
}

export interface Taken {
  /** The member. */
  readonly from: string;
  /** Bytes, the hash included. */
  readonly size: number;
  /** Of the database, hexadecimal. */
  readonly sha256: string;
  readonly durationMs: number;
}

/** Why writing failed: no other member would help. */
class SinkError extends Error {}

/**
 * Resolves when a whole snapshot is in its place. Rejects with one sentence when no member sent one, when it cannot be
 * written, or with the signal's reason when aborted; then nothing of it is left.
 */
export async function takeSnapshot(options: TakeOptions): Promise<Taken> {
  const { sources, target, signal, onFailed } = options;
  const cannotBeWritten = (error: unknown): never => {
    const sentence = `The snapshot cannot be written to ${target}: ${inWords(error)}.`;
    throw new SentenceError(sentence, { cause: error });
  };
  const failures: string[] = [];
  for (const source of sources) {
    const sink = await options.sink().catch(cannotBeWritten);
    if (sink === undefined) break;
    try {
      return await takeFrom(source, sink, options);
    } catch (error) {
      await sink.discard();
      if (signal.aborted) throw signal.reason;
      if (error instanceof SinkError) cannotBeWritten(error.cause);
      const { message } = error as Error;
      failures.push(`${source.name}: ${message}`);
      onFailed(source.name, message);
    }
  }
  const why = failures.length === 0 ? 'there is nobody to take it from' : failures.join('; ');
  throw new SentenceError(`No snapshot was taken: ${why}.`);
}

async function takeFrom(source: Source, sink: Sink, options: TakeOptions): Promise<Taken> {
  const { maxRate, signal, onProgress } = options;
  const startedAt = performance.now();
  const verifier = new SnapshotVerifier();
  let written: Promise<void> | undefined;
  const messages = new SnapshotMessages({
    remaining: (bytes) => verifier.remaining(bytes),
    end: () => verifier.endMessage(),
    blob: (piece) => {
      verifier.take(piece);
      written = guarded(() => sink.write(piece)) ?? written;
    },
  });
  const heap = heapOfV8();
  let collectedAt = 0;
  await readSnapshot({ ...source, signal }, (bytes) => {
    written = undefined;
    messages.take(bytes);
    const { received, size } = verifier;
    onProgress({ from: source.name, received, size });
    if (received - collectedAt > garbage) {
      heap.collect('young');
      collectedAt = received;
    }
    const wait = waitFor(received, performance.now() - startedAt, maxRate);
    if (wait < 1) return written;
    return Promise.all([written, delay(wait, undefined, { signal })]).then(() => {});
  });
  if (!messages.isComplete) throw new Error('the member broke off within a message');
  const sha256 = verifier.verify();
  await guarded(() => sink.finish());
  const durationMs = performance.now() - startedAt;
  return { from: source.name, size: verifier.received, sha256, durationMs };
}

/** Marks what is thrown, or rejected with, as an error of the sink. */
function guarded<T extends Promise<void> | undefined>(write: () => T): T {
  const mark = (error: unknown): never => {
    throw new SinkError((error as Error).message, { cause: error });
  };
  try {
    return write()?.catch(mark) as T;
  } catch (error) {
    return mark(error);
  }
}
