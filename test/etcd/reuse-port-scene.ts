/**
 * Two balancers share an address while clients come and go, and one of them stops. Prints what was
 * seen as JSON. A program of its own, to be run in a network namespace of its own.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { freePorts } from '../../src/demo/free-ports.ts';
import { startLocalCluster } from '../../src/demo/local-cluster.ts';
import { Balancer } from '../support/balancer.ts';
import { Load } from '../support/load.ts';

export interface Seen {
  readonly failures: readonly string[];
  /** Of clients that call without pause over gRPC. */
  readonly failedCalls: readonly string[];
  readonly calls: number;
  /** Sessions that each of the two had opened before one stopped. */
  readonly opened: readonly number[];
  /** Exit code of the one that stopped. */
  readonly code: number | null;
}

const clients = 8;
let asked = 0;
let stop = false;
const failures: string[] = [];

await using cluster = await startLocalCluster({ etcd: await findEtcd(), size: 1 });
const [port = 0] = await freePorts(1);
const args = [
  ...['--listen', `127.0.0.1:${port}`, '--reuse-port', 'on'],
  ...['--endpoints', cluster.endpoints.join(), '--drain-timeout', '5s'],
];
await using first = await Balancer.start(args);
await using second = await Balancer.start(args);

const calling = new Load(`http://127.0.0.1:${port}`, 10, 1);
await calling.everyoneServed();
const working = Promise.all(Array.from({ length: clients }, client));
await until(() => asked > 400);
const opened = await Promise.all([first, second].map(sessionsOpened));
first.signal('SIGTERM');
const { code } = await first.exited;
const askedUntilThen = asked;
await until(() => asked > askedUntilThen + 200);
stop = true;
await working;
await calling.everyoneServed();
await calling[Symbol.asyncDispose]();
const { errors: failedCalls, successes: calls } = calling;
console.log(JSON.stringify({ failures, failedCalls, calls, opened, code } satisfies Seen));

async function client(): Promise<void> {
  for (; !stop; asked += 1) await askVersion().catch((error) => failures.push(String(error)));
}

/** One connection and one question, answered by etcd itself. */
async function askVersion(): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.write('GET /version HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\n\r\n');
  await once(socket, 'close');
  if (!answer.includes('etcdserver')) throw new Error(`no answer: ${JSON.stringify(answer)}`);
}

async function sessionsOpened(balancer: Balancer): Promise<number> {
  const { members } = await balancer.status();
  return members.reduce((sum, { sessionsOpened: opened }) => sum + opened, 0);
}

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setTimeout(resolve, 10));
}
