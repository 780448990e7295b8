/** From the start of the process to the first connection that it accepts. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../../src/demo/free-ports.ts';
import { type Measure, processOf } from '../measure.ts';
import { median } from '../statistics.ts';

/** A contestant that takes longer than this does not start, ms. */
const patience = 15_000;

export const start: Measure = {
  name: 'start',
  what: 'From the start of the process to its first accepted connection, tried every ms.',
  short: true,
  needsProcess: true,
  figures: [{ key: 'start.time', what: 'start', unit: 'ms', better: 'less' }],
  run: async (scene) => {
    const etcd = await scene.backends.etcd();
    const times: number[] = [];
    for (let index = 0; index < scene.pace.starts; index += 1) {
      const [port = 0] = await freePorts(1);
      const accepted = firstAccepted(port);
      const started = await scene.start(etcd.members(1), { port });
      times.push((await accepted) - processOf(started).startedAt);
      await started[Symbol.asyncDispose]();
    }
    return { 'start.time': median(times) };
  },
};

/** When a connection to this port is first accepted, on the clock of performance.now(). */
async function firstAccepted(port: number): Promise<number> {
  const deadline = performance.now() + patience;
  while (performance.now() < deadline) {
    const socket = connect({ port, host: '127.0.0.1' });
    try {
      await once(socket, 'connect');
      return performance.now();
    } catch {
      await delay(1);
    } finally {
      socket.destroy();
    }
  }
  return Number.NaN;
}
