/** Memory over a long time of connections that come and go. */
import { usageOf } from '../../machine/usage.ts';
import { connectAgainAndAgain } from '../load/wrk.ts';
import { type Figures, type Measure, processOf } from '../measure.ts';
import { startBefore } from './calls.ts';

/** Minutes. */
const first = 2;
const all = 20;

export const churn: Measure = {
  name: 'churn',
  what: '20 minutes of new connections as fast as they go; memory at the end beyond that after 2.',
  only: ['etcd-lb'],
  rounds: 1,
  onlyNamed: true,
  figures: [
    { key: 'churn.growth', what: 'growth over 20 minutes of churn', unit: 'MB', better: 'less' },
    { key: 'churn.connections', what: 'connections meanwhile', unit: '', better: 'more' },
  ],
  run: async (scene): Promise<Figures> => {
    const { started } = await startBefore(await scene.backends.etcd(), scene);
    const { pid } = processOf(started);
    let early = 0;
    let connections = 0;
    for (let minute = 1; minute <= all; minute += 1) {
      connections += (await connectAgainAndAgain(started.address, 60)).requests;
      if (minute === first) early = usageOf(pid).memory;
    }
    const growth = (usageOf(pid).memory - early) / 1e6;
    return { 'churn.growth': growth, 'churn.connections': connections };
  },
};
