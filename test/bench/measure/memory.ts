/** Resident memory: idle, for sessions that are silent, after them, for clients that do not read. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Child } from '../../machine/child.ts';
import { usageOf } from '../../machine/usage.ts';
import { mostSessions } from '../load/descriptors.ts';
import { openSessions } from '../load/sessions.ts';
import { type Measure, processOf, type Scene } from '../measure.ts';

/** Clients that stop reading. */
const stopped = 200;
/** Until memory of a process at rest no longer changes, ms at most. */
const patience = 12_000;

export const memory: Measure = {
  name: 'memory',
  what: 'Resident memory without sessions, with silent ones, and after they closed.',
  needsProcess: true,
  rounds: 2,
  figures: [
    { key: 'memory.idle', what: 'memory without sessions', unit: 'MB', better: 'less' },
    { key: 'memory.1000', what: 'with 1,000 silent sessions', unit: 'MB', better: 'less' },
    {
      key: 'memory.most',
      what: `with ${mostSessions} silent sessions`,
      unit: 'MB',
      better: 'less',
    },
    {
      ...{ key: 'memory.session', what: `per silent session of ${mostSessions}`, unit: 'KB' },
      ...{ better: 'less', main: true },
    },
    {
      key: 'memory.after',
      what: 'after they closed, beyond the start',
      unit: 'MB',
      better: 'less',
    },
  ],
  run: silentSessions,
};

export const stoppedReaders: Measure = {
  name: 'stopped',
  what: '200 clients that do not read, and 8 MB for each.',
  needsProcess: true,
  rounds: 2,
  figures: [
    { key: 'stopped.client', what: 'per client that does not read', unit: 'KB', better: 'less' },
  ],
  run: stoppedSessions,
};

async function silentSessions({ backends, start, use }: Scene) {
  const port = await backends.silent();
  const { checkPort } = await backends.etcd();
  const started = await start([{ name: 'm0', host: '127.0.0.1', port }], { checkPort });
  const child = processOf(started);
  const idle = await atRest(child);
  const first = use(await openSessions(started.address, 1_000, 'idle'));
  const thousand = await atRest(child);
  const half = (mostSessions - 1_000) / 2;
  const rest = await Promise.all([
    openSessions(started.address, half, 'idle'),
    openSessions(started.address, half, 'idle'),
  ]);
  for (const each of rest) use(each);
  const most = await atRest(child);
  await Promise.all([first, ...rest].map((each) => each.end()));
  const after = await atRest(child);
  await started[Symbol.asyncDispose]();
  return {
    'memory.idle': idle / 1e6,
    'memory.1000': thousand / 1e6,
    'memory.most': most / 1e6,
    'memory.session': (most - idle) / mostSessions / 1_024,
    'memory.after': (after - idle) / 1e6,
  };
}

async function stoppedSessions({ backends, start, use }: Scene) {
  const port = await backends.flooding();
  const { checkPort } = await backends.etcd();
  const started = await start([{ name: 'm0', host: '127.0.0.1', port }], { checkPort });
  const child = processOf(started);
  const before = await atRest(child);
  const clients = use(await openSessions(started.address, stopped, 'stopped'));
  const held = await atRest(child);
  await clients.end();
  return { 'stopped.client': (held - before) / stopped / 1_024 };
}

/** Resident memory, bytes, once it has not changed by 1 % for 2 s. */
async function atRest({ pid }: Child): Promise<number> {
  const deadline = performance.now() + patience;
  let memory = usageOf(pid).memory;
  for (let calm = 0; calm < 4 && performance.now() < deadline; calm += 1) {
    await delay(500);
    const now = usageOf(pid).memory;
    if (Math.abs(now - memory) > memory / 100) calm = -1;
    memory = now;
  }
  return memory;
}
