/** Unary calls of etcd's KV/Range, made by h2load of nghttp2 on one thread. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { capture } from '../../machine/capture.ts';
import { findH2load } from '../../machine/programs.ts';
import { type H2loadResult, parseH2load, parseLog } from './h2load-output.ts';
import { rangeFile } from './requests.ts';

export interface Calls {
  /** host:port. */
  readonly address: string;
  readonly tls: boolean;
  readonly key: string;
  readonly count: number;
  readonly connections: number;
  /** Calls in flight at most on each connection. */
  readonly streams: number;
  /** Calls a second of all connections together (open loop); as fast as they go if not given. */
  readonly rate?: number;
  /** Whether the time of each call is wanted. */
  readonly timed?: boolean;
  /** For the request body and the log. */
  readonly folder: string;
}

export interface CallsResult extends H2loadResult {
  /** µs that each call took, in ascending order; empty unless asked for. */
  readonly times: readonly number[];
}

/** Throws when a single call fails. */
export async function call(calls: Calls): Promise<CallsResult> {
  const { address, tls, key, count, connections, streams, rate, timed, folder } = calls;
  const log = join(folder, 'h2load.log');
  // h2load adds to a log that is there.
  rmSync(log, { force: true });
  const output = await capture(await findH2load(), [
    ...['-t', '1', '-n', String(count), '-c', String(connections), '-m', String(streams)],
    ...(rate === undefined ? [] : steady(rate, connections)),
    ...(timed ? [`--log-file=${log}`] : []),
    ...['-d', rangeFile(folder, key), '-H', 'content-type: application/grpc', '-H', 'te: trailers'],
    `${tls ? 'https' : 'http'}://${address}/etcdserverpb.KV/Range`,
  ]);
  const result = parseH2load(output);
  if (result.requests !== count || result.succeeded !== count) {
    throw new Error(`Of ${count} calls ${result.succeeded} were answered.`);
  }
  const times = timed ? parseLog(readFileSync(log, 'utf8')).toSorted((a, b) => a - b) : [];
  return { ...result, times };
}

/**
 * h2load's connections each send what is due once every 10 ms. Opened all at once they would do so
 * in the same instant, and the time of a call would be that of the queue before it; opened 3 ms
 * apart they take turns.
 */
function steady(rate: number, connections: number): readonly string[] {
  return [`--rps=${rate / connections}`, '-r', '1', '--rate-period=3ms'];
}
