/**
 * A balancer is followed by another with the same configuration file while clients come and go. Prints what was
 * seen as JSON. A program of its own, to be run in a network namespace of its own.
 *
 *   restart-scene.ts inherited | reuse-port
 */
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { freePorts } from '../../src/demo/free-ports.ts';
import { startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { Status } from '../../src/observe/status.ts';
import { Balancer } from '../support/balancer.ts';
import { HeldSocket, passing } from '../support/listening-socket.ts';
import { Load } from '../support/load.ts';
import { Visitors } from '../support/visitors.ts';

export interface Seen {
  /** Of clients that connect without pause. */
  readonly failures: readonly string[];
  /** Of clients that call without pause over gRPC. */
  readonly failedCalls: readonly string[];
  readonly calls: number;
  /** Exit codes of those that were asked to end, in their order. */
  readonly codes: readonly (number | null)[];
  /** Who answered at the observe address: beside its successor, and when it had ended. */
  readonly observed: readonly ('older' | 'younger' | 'other')[];
  /** Events of the younger one that are about the observe listener, in their order. */
  readonly events: readonly (string | undefined)[];
}

const isInherited = process.argv[2] === 'inherited';
await using cluster = await startLocalCluster({ etcd: await findEtcd(), size: 1 });
const [port = 0, observePort = 0] = await freePorts(2);
const file = join(tmpdir(), `etcd-lb-restart-${process.pid}.yaml`);
await writeFile(
  file,
  `listen: 127.0.0.1:${port}
reuse-port: ${isInherited ? 'off' : 'on'}
endpoints: ${cluster.endpoints.join()}
`,
);
const args = ['--config', file, '--observe', `127.0.0.1:${observePort}`, '--drain-timeout', '5s'];
using held = isInherited ? HeldSocket.listening(port) : undefined;

const older = await start();
const calling = new Load(`http://127.0.0.1:${port}`, 10, 1);
const visitors = new Visitors(port, 8);
await calling.everyoneServed();
await visitors.more(200);
const younger = await start();
const beside = await observed();
await visitors.more(200);
const codes = [await end(older)];
await younger.logged(({ event }) => event === 'observe-opened');
const after = await observed();
await visitors.more(200);
await calling.everyoneServed();
if (isInherited) codes.push(...(await restartOneAfterTheOther(younger)));
else codes.push(await endWithClients(younger));

const { errors: failedCalls, successes: calls } = calling;
const { failures } = visitors;
const events = younger.log.map(({ event }) => event).filter((event) => /observe/.test(event ?? ''));
const seen: Seen = { failures, failedCalls, calls, codes, observed: [beside, after], events };
console.log(JSON.stringify(seen));
await rm(file);

function start(): Promise<Balancer> {
  if (held === undefined) return Balancer.start(args);
  return Balancer.start(args, passing(['etcd']), [held.descriptor]);
}

async function end(balancer: Balancer): Promise<number | null> {
  return (await balancer.stop()).code;
}

/** Nobody accepts for a while: clients wait in the queue of the socket that is held. */
async function restartOneAfterTheOther(first: Balancer): Promise<(number | null)[]> {
  const code = await end(first);
  const second = await start();
  await visitors.more(200);
  await calling.everyoneServed();
  return [code, await endWithClients(second)];
}

async function endWithClients(last: Balancer): Promise<number | null> {
  await visitors[Symbol.asyncDispose]();
  await calling[Symbol.asyncDispose]();
  return await end(last);
}

async function observed(): Promise<Seen['observed'][number]> {
  const { pid } = (await (await fetch(`http://127.0.0.1:${observePort}/status`)).json()) as Status;
  if (pid === older.pid) return 'older';
  return pid === younger.pid ? 'younger' : 'other';
}
