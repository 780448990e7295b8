/** New connections: one-shot clients, and everybody after a restart. */
import { connectAgainAndAgain } from '../load/wrk.ts';
import type { Measure } from '../measure.ts';
import { ifProcess, startBefore } from './calls.ts';
import { costOf } from './cost.ts';

export const connections: Measure = {
  name: 'connections',
  what: "A new connection for each request to etcd's /version, 8 at a time (wrk).",
  short: true,
  figures: [
    { key: 'connections.perSecond', what: 'new connections', unit: '/s', better: 'more' },
    {
      ...{ key: 'connections.cpu', what: 'CPU per connection', unit: 'µs', better: 'less' },
      main: true,
    },
  ],
  run: async (scene) => {
    const { started } = await startBefore(await scene.backends.etcd(), scene);
    await connectAgainAndAgain(started.address, scene.pace.connectingBefore);
    const [{ requests, duration }, cpu] = await costOf(started, () =>
      connectAgainAndAgain(started.address, scene.pace.connecting),
    );
    return {
      'connections.perSecond': requests / duration,
      ...ifProcess(started, { 'connections.cpu': cpu / requests }),
    };
  },
};
