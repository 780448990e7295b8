/** Loads of unary calls that several measures share. */
import type { Endpoint } from '../../contestants/contestant.ts';
import type { Etcd } from '../backend/etcd.ts';
import { type Calls, call } from '../load/h2load.ts';
import { largeKey, smallKey } from '../load/requests.ts';
import type { Figures, Scene, SceneOptions, Started } from '../measure.ts';
import { quantile } from '../statistics.ts';
import { costOf } from './cost.ts';

/** Connections of an open loop. */
const openConnections = 20;

type To = Pick<Calls, 'address' | 'tls' | 'folder'>;

/** A contestant in front of so many members that are one etcd, and how it is called. */
export async function startBefore(
  etcd: Etcd,
  { start, folder }: Scene,
  count = 1,
  options: SceneOptions = {},
): Promise<{ readonly started: Started; readonly to: To }> {
  const { tls } = etcd;
  const endpoints: readonly Endpoint[] = etcd.members(count);
  const started = await start(endpoints, { ...(tls && { tls }), ...options });
  return { started, to: { address: started.address, tls: tls !== undefined, folder } };
}

/** Small calls as fast as they go, on 8 connections with 4 in flight on each. */
export function closedLoop(to: To, count: number) {
  return call({ ...to, key: smallKey, count, connections: 8, streams: 4 });
}

/** Small calls at a fixed rate, whether answers come or not; timed. */
export function openLoop(to: To, rate: number, seconds: number) {
  const count = rate * seconds;
  return call({
    ...{ ...to, key: smallKey, count, connections: openConnections, streams: 100, rate },
    timed: true,
  });
}

/** CPU a call, and calls a second, after a warm-up. */
export async function smallCalls(
  started: Started,
  to: To,
  { calls, warmUp }: Scene['pace'],
): Promise<{ readonly cpu: number; readonly perSecond: number }> {
  await closedLoop(to, warmUp);
  const [{ perSecond }, cpu] = await costOf(started, () => closedLoop(to, calls));
  return { cpu: cpu / calls, perSecond };
}

/** CPU and time a GB of large answers, ms, after a warm-up. */
export async function largeCalls(
  started: Started,
  to: To,
  { largeCalls: count }: Scene['pace'],
): Promise<{ readonly cpu: number; readonly time: number }> {
  const ask = (count: number) => call({ ...to, key: largeKey, count, connections: 4, streams: 1 });
  await ask(Math.ceil(count / 10));
  const [{ bytes, duration }, cpu] = await costOf(started, () => ask(count));
  const gigabytes = bytes / 1e9;
  return { cpu: cpu / 1_000 / gigabytes, time: (duration * 1_000) / gigabytes };
}

/** The figure only where there is a process to measure. */
export function ifProcess({ child }: Started, figures: Figures): Figures {
  return child === undefined ? {} : figures;
}

export function percentiles(times: readonly number[]): {
  readonly p50: number;
  readonly p99: number;
} {
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}
