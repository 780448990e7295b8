/** What it costs to follow the calls in plain HTTP/2, beside copying them without a look. */
import type { Measure, Scene } from '../measure.ts';
import { smallCalls, startBefore } from './calls.ts';

/** Each is measured this often in a round, in turn, since the machine changes its speed. */
const turns = 4;

export const following: Measure = {
  name: 'following',
  what: 'Small calls as fast as they go, through one etcd-lb that follows them and one that does not.',
  only: ['etcd-lb'],
  figures: [
    { key: 'following.on', what: 'CPU per small RPC, followed', unit: 'µs', better: 'less' },
    { key: 'following.off', what: 'CPU per small RPC, copied', unit: 'µs', better: 'less' },
  ],
  run: async (scene: Scene) => {
    const etcd = await scene.backends.etcd();
    const on = await startBefore(etcd, scene, 1);
    const off = await startBefore(etcd, scene, 1, { followCalls: false });
    const sums = { on: 0, off: 0 };
    for (let turn = 0; turn < turns; turn += 1) {
      sums.on += (await smallCalls(on.started, on.to, scene.pace)).cpu;
      sums.off += (await smallCalls(off.started, off.to, scene.pace)).cpu;
    }
    return { 'following.on': sums.on / turns, 'following.off': sums.off / turns };
  },
};
