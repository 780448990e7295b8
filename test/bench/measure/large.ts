/** Answers of 1 MB: lists of an apiserver that starts. */
import type { Measure } from '../measure.ts';
import { ifProcess, largeCalls, startBefore } from './calls.ts';

export const large: Measure = {
  name: 'large',
  what: 'Answers of 1 MB, 4 connections with one call each.',
  short: true,
  figures: [
    {
      key: 'large.cpu',
      what: 'CPU per GB of 1 MB answers',
      unit: 'ms',
      better: 'less',
      main: true,
    },
    { key: 'large.time', what: 'time per GB of 1 MB answers', unit: 'ms', better: 'less' },
  ],
  run: async (scene) => {
    const { started, to } = await startBefore(await scene.backends.etcd(), scene);
    const { cpu, time } = await largeCalls(started, to, scene.pace);
    return { 'large.time': time, ...ifProcess(started, { 'large.cpu': cpu }) };
  },
};
