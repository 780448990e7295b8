/**
 * A few etcd clients that write and read without pause, so that there is something to watch. Each
 * has its own connection through the balancer and counts the results of its requests.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';

/** What the clients have seen so far. */
export interface ClientFigures {
  readonly clients: number;
  ok: number;
  failed: number;
  /** The last failure in etcd3's words. */
  lastFailure: string | undefined;
  /** The duration of the slowest request, ms. */
  slowest: number;
}

/** Between two requests of a client, ms. */
const pace = 100;
/** A request that takes longer than this counts as failed, ms. */
const patience = 5_000;

/** Starts `count` clients against `host`; they end when `signal` aborts. */
export function startClients(host: string, count: number, signal: AbortSignal): ClientFigures {
  const figures: ClientFigures = {
    clients: count,
    ok: 0,
    failed: 0,
    lastFailure: undefined,
    slowest: 0,
  };
  for (let index = 0; index < count; index += 1) void useEtcd(host, index, figures, signal);
  return figures;
}

async function useEtcd(
  host: string,
  index: number,
  figures: ClientFigures,
  signal: AbortSignal,
): Promise<void> {
  const client = new Etcd3({
    hosts: host,
    // gRPC shares one connection between equal clients, and waits a second before it connects again.
    grpcOptions: {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
    },
    defaultCallOptions: () => ({ deadline: Date.now() + patience }),
  });
  const key = `etcd-lb-demo/${index}`;
  for (let round = 0; !signal.aborted; round += 1) {
    const started = performance.now();
    try {
      await (round % 2 === 0 ? client.put(key).value(`${round}`) : client.get(key));
      figures.ok += 1;
      figures.slowest = Math.max(figures.slowest, performance.now() - started);
    } catch (error) {
      if (signal.aborted) break;
      figures.failed += 1;
      figures.lastFailure = error instanceof Error ? error.message : String(error);
    }
    await delay(pace, undefined, { signal }).catch(() => {});
  }
  client.close();
}
