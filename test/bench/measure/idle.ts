/** What it takes to be there. */
import { setTimeout as delay } from 'node:timers/promises';
import { usageOf } from '../../machine/usage.ts';
import { type Measure, processOf } from '../measure.ts';
import { startBefore } from './calls.ts';

/** After the start, until what was needed for the start alone is collected, and etcd3 is loaded, ms. */
const settle = 15_000;

export const idle: Measure = {
  name: 'idle',
  what: 'Five members checked and no traffic.',
  needsProcess: true,
  rounds: 3,
  figures: [
    { key: 'idle.cpu', what: 'idle, five members', unit: '% of a core', better: 'less' },
    { key: 'idle.memory', what: 'idle, five members', unit: 'MB', better: 'less', main: true },
  ],
  run: async (scene) => {
    const { started } = await startBefore(await scene.backends.etcd(), scene, 5);
    const { pid } = processOf(started);
    await delay(settle);
    const before = usageOf(pid).cpu;
    await delay(scene.pace.idle);
    const { cpu, memory } = usageOf(pid);
    return {
      'idle.cpu': ((cpu - before) / 1_000 / scene.pace.idle) * 100,
      'idle.memory': memory / 1e6,
    };
  },
};
