/**
 * The demo: a real etcd cluster on this machine, the balancer in front of it, a few clients that
 * use it, and a live view of what happens when somebody kills a member.
 *
 * Owns the sequence; the parts are etcd-binary.ts, local-cluster.ts, clients.ts, view.ts and the
 * balancer itself, exactly as `etcd-lb run` starts it.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';
import manifest from '../../package.json' with { type: 'json' };
import { App } from '../app/app.ts';
import { type Loaded, loadSettings } from '../config/load.ts';
import { formatListenAddress } from '../config/values/listen.ts';
import type { Log } from '../observe/log/log.ts';
import { startClients } from './clients.ts';
import { type EtcdBinary, findEtcd } from './etcd-binary.ts';
import { isFree } from './free-ports.ts';
import { type LocalCluster, startLocalCluster } from './local-cluster.ts';
import type { LocalMember } from './local-member.ts';
import { type Frame, renderBlock, View } from './view.ts';

export interface DemoOptions {
  readonly size: 1 | 3 | 5;
  /** Write and read through the balancer, then end. */
  readonly once: boolean;
}

/** A member that somebody killed is started again after this time, ms. */
const restartAfter = 10_000;

/** Runs until Ctrl-C, or with `once` until it has worked. A failed start prints one sentence. */
export async function demo(options: DemoOptions): Promise<void> {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => ending.abort());
  }
  const view = new View();
  await using parts = new AsyncDisposableStack();
  try {
    await play(options, view, parts, ending.signal);
  } catch (error) {
    view.end();
    if (ending.signal.aborted) return;
    console.error(`etcd-lb: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  } finally {
    view.end();
    view.print('stopping');
  }
}

async function play(
  options: DemoOptions,
  view: View,
  parts: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<void> {
  const etcd = await findEtcd({ onProgress: (line) => view.print(line), signal });
  view.print(`starting ${options.size} etcd ${etcd.version} on loopback`);
  const cluster = parts.use(
    await startLocalCluster({
      etcd,
      size: options.size,
      onUnexpectedExit: (member) => void restart(member, view, signal),
    }),
  );
  const app = await startBalancer(cluster, view);
  parts.defer(async () => {
    app.stopNow();
    await app.stop();
  });
  const [address] = app.listen;
  if (address === undefined) throw new Error('the balancer listens nowhere');
  const host = formatListenAddress(address);
  await writeAndRead(host, view);
  if (options.once) return;
  const clients = new AbortController();
  const figures = startClients(host, options.size * 3, clients.signal);
  parts.defer(() => clients.abort());
  printHints(view, etcd, cluster, host, app.observePort);

  const leader = followLeader(cluster, signal);
  let before: Frame | undefined;
  while (!signal.aborted) {
    const frame: Frame = {
      at: performance.now(),
      status: app.status(),
      leader: leader.name,
      requests: figures.ok + figures.failed,
    };
    view.show(renderBlock(frame, before, figures));
    before = frame;
    const pace = process.stdout.isTTY ? 500 : 5_000;
    await delay(pace, undefined, { signal }).catch(() => {});
  }
}

/** The balancer as `etcd-lb run` starts it, on the usual ports or the next free ones. */
async function startBalancer(cluster: LocalCluster, view: View): Promise<App> {
  const listen = await freePort(2379, view);
  const observe = await freePort(9379, view);
  const endpoints = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  const load = (): Loaded =>
    loadSettings({
      flags: {
        ...{ listen: `127.0.0.1:${listen}`, observe: `127.0.0.1:${observe}`, endpoints },
        ...{ 'admin-socket': adminSocketOf(cluster), 'state-dir': cluster.folder },
      },
      env: {},
    });
  const log: Log = {
    write: ({ at, message }) => view.print(`${new Date(at).toTimeString().slice(0, 8)} ${message}`),
    session: () => {},
    level: 'info',
    lost: () => 0,
    onTrouble: () => {},
    close: async () => {},
  };
  return App.start({ loaded: load(), load, version: manifest.version, log });
}

/** In the folder of the members' data, which is removed at the end. */
function adminSocketOf(cluster: LocalCluster): string {
  return join(cluster.folder, 'admin.sock');
}

async function freePort(first: number, view: View): Promise<number> {
  for (let port = first; port < first + 100; port += 1) {
    if (await isFree(port)) {
      if (port !== first) view.print(`port ${first} is taken: using ${port} instead`);
      return port;
    }
  }
  throw new Error(`no free port from ${first} to ${first + 99}: stop what uses them and try again`);
}

async function writeAndRead(host: string, view: View): Promise<void> {
  const client = new Etcd3({ hosts: host });
  try {
    const written = new Date().toISOString();
    await client.put('etcd-lb-demo').value(written);
    const read = await client.get('etcd-lb-demo').string();
    if (read !== written) throw new Error(`wrote ${written} through the balancer and read ${read}`);
    view.print(`wrote and read ${read} through the balancer`);
  } finally {
    client.close();
  }
}

function printHints(
  view: View,
  etcd: EtcdBinary,
  cluster: LocalCluster,
  host: string,
  observePort: number | undefined,
): void {
  const victim = cluster.members[1] ?? cluster.members[0];
  view.print();
  view.print('Try in another terminal:');
  view.print(`  ETCDCTL_API=3 ${etcd.etcdctl ?? 'etcdctl'} --endpoints ${host} put hello world`);
  view.print(
    `  open http://127.0.0.1:${observePort}/ in a browser; /metrics and /status are there too`,
  );
  view.print(`  export ETCD_LB_ADMIN_SOCKET=${adminSocketOf(cluster)}`);
  view.print(`  npm start -- status; npm start -- drain ${victim?.name} --wait`);
  view.print(`  curl http://127.0.0.1:${observePort}/readyz?verbose`);
  if (victim?.pid !== undefined) {
    const { name, pid } = victim;
    view.print(`  kill -9 ${pid}      kill member ${name} and watch; it comes back after 10 s`);
    view.print(`  kill -STOP ${pid}   hang it; kill -CONT ${pid} lets it go on`);
  }
  view.print('Ctrl-C ends everything.');
}

/** Restarts a member that somebody killed, so that its recovery can be watched too. */
async function restart(member: LocalMember, view: View, signal: AbortSignal): Promise<void> {
  view.print(`${member.name} ended; it is started again in ${restartAfter / 1000} s`);
  try {
    await delay(restartAfter, undefined, { signal });
    await member.start();
    view.print(`${member.name} runs again as process ${member.pid}`);
  } catch (error) {
    if (!signal.aborted) view.print(`${member.name} could not be started: ${String(error)}`);
  }
}

/** Keeps asking the cluster for its leader; `name` is `undefined` until it is known. */
function followLeader(cluster: LocalCluster, signal: AbortSignal): { name: string | undefined } {
  const leader: { name: string | undefined } = { name: undefined };
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      leader.name = (await cluster.leader().catch(() => undefined))?.name;
      await delay(500, undefined, { signal }).catch(() => {});
    }
  };
  void follow();
  return leader;
}
