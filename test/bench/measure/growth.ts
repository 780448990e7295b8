/** How cost grows with sessions, members and calls a second. */
import { setTimeout as delay } from 'node:timers/promises';
import { connectionsTo } from '../../machine/connections.ts';
import { usageOf } from '../../machine/usage.ts';
import { mostSessions } from '../load/descriptors.ts';
import { openSessions } from '../load/sessions.ts';
import { type Figures, type Measure, processOf } from '../measure.ts';
import { closedLoop, openLoop, percentiles, smallCalls, startBefore } from './calls.ts';
import { costOf } from './cost.ts';

const sessionCounts = [10, 100, 1_000, mostSessions] as const;
const memberCounts = [1, 3, 5, 9] as const;
const rates = [1_000, 2_000, 5_000, 10_000] as const;

const growth = { needsProcess: true, only: ['haproxy', 'etcd-lb'], rounds: 3 } as const;
/** How long silent sessions are watched for what they cost, ms, and how long they are left before. */
const watched = 3_000;
const settling = 4_000;

export const sessionGrowth: Measure = {
  ...growth,
  name: 'growth-sessions',
  what: 'Small calls as fast as they go beside so many silent sessions; and what those cost alone.',
  figures: sessionCounts.flatMap((count) => [
    {
      ...{ key: `sessions.${count}.cpu`, what: `CPU per RPC, ${count} sessions` },
      ...{ unit: 'µs', better: 'less' },
    },
    {
      ...{ key: `sessions.${count}.idle`, what: `silent, ${count} sessions` },
      ...{ unit: '% of a core', better: 'less' },
    },
  ]),
  run: async (scene) => {
    const etcd = await scene.backends.etcd();
    const { started, to } = await startBefore(etcd, scene);
    const { pid } = processOf(started);
    const figures: Record<string, number> = {};
    let open = 0;
    for (const count of sessionCounts) {
      scene.use(await openSessions(started.address, count - open, 'connected'));
      open = count;
      await joined(etcd.members(1), count);
      await delay(settling);
      const before = usageOf(pid).cpu;
      await delay(watched);
      figures[`sessions.${count}.idle`] = ((usageOf(pid).cpu - before) / 1_000 / watched) * 100;
      figures[`sessions.${count}.cpu`] = (await smallCalls(started, to, scene.pace)).cpu;
    }
    return figures;
  },
};

export const memberGrowth: Measure = {
  ...growth,
  name: 'growth-members',
  what: 'Small calls as fast as they go with so many members, which are addresses of one etcd.',
  figures: memberCounts.map((count) => ({
    ...{ key: `members.${count}.cpu`, what: `CPU per RPC, ${count} members` },
    ...{ unit: 'µs', better: 'less' },
  })),
  run: async (scene) => {
    const figures: Record<string, number> = {};
    for (const count of memberCounts) {
      const { started, to } = await startBefore(await scene.backends.etcd(), scene, count);
      figures[`members.${count}.cpu`] = (await smallCalls(started, to, scene.pace)).cpu;
      await started[Symbol.asyncDispose]();
    }
    return figures;
  },
};

export const rateGrowth: Measure = {
  ...growth,
  name: 'growth-rate',
  what: 'So many small calls a second (open loop), then as fast as they go.',
  figures: [
    ...rates.flatMap((rate) => [
      {
        ...{ key: `rate.${rate}.cpu`, what: `CPU per RPC at ${rate} RPC/s` },
        ...{ unit: 'µs', better: 'less' as const },
      },
      {
        ...{ key: `rate.${rate}.p99`, what: `p99 at ${rate} RPC/s` },
        ...{ unit: 'µs', better: 'less' as const },
      },
    ]),
    { key: 'rate.most.cpu', what: 'CPU per RPC, saturated', unit: 'µs', better: 'less' },
    { key: 'rate.most', what: 'RPCs, saturated', unit: '/s', better: 'more' },
  ],
  run: async (scene): Promise<Figures> => {
    const { started, to } = await startBefore(await scene.backends.etcd(), scene);
    const figures: Record<string, number> = {};
    await closedLoop(to, scene.pace.warmUp);
    for (const rate of rates) {
      const [result, cpu] = await costOf(started, () => openLoop(to, rate, scene.pace.steady));
      figures[`rate.${rate}.cpu`] = cpu / result.requests;
      figures[`rate.${rate}.p99`] = percentiles(result.times).p99;
    }
    const { cpu, perSecond } = await smallCalls(started, to, scene.pace);
    return { ...figures, 'rate.most.cpu': cpu, 'rate.most': perSecond };
  },
};

/** Waits until so many connections have reached the member: a proxy accepts before it dials. */
async function joined(
  members: readonly { readonly host: string; readonly port: number }[],
  count: number,
): Promise<void> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    const [there = 0] = await connectionsTo(members);
    if (there >= count) return;
    if (performance.now() > deadline) throw new Error(`Of ${count} sessions ${there} were joined.`);
    await delay(100);
  }
}
