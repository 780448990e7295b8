/** One stream of 1 GB each way: the byte path alone. */
import { stream as iperf3 } from '../load/iperf3.ts';
import type { Figures, Measure } from '../measure.ts';
import { ifProcess } from './calls.ts';
import { costOf } from './cost.ts';

export const stream: Measure = {
  name: 'stream',
  what: 'One stream of 1 GB from client to member, then one back (iperf3).',
  figures: [
    { key: 'stream.up.cpu', what: 'CPU per GB, stream up', unit: 'ms', better: 'less' },
    { key: 'stream.up.time', what: 'time per GB, stream up', unit: 'ms', better: 'less' },
    {
      ...{ key: 'stream.down.cpu', what: 'CPU per GB, stream down', unit: 'ms', better: 'less' },
      main: true,
    },
    { key: 'stream.down.time', what: 'time per GB, stream down', unit: 'ms', better: 'less' },
  ],
  run: async ({ backends, start, pace }) => {
    const port = await backends.iperf3();
    const { checkPort } = await backends.etcd();
    const started = await start([{ name: 'm0', host: '127.0.0.1', port }], {
      checkPort,
      inspected: false,
    });
    let figures: Figures = {};
    for (const way of ['up', 'down'] as const) {
      const [{ bytes, duration }, cpu] = await costOf(started, () =>
        iperf3(started.address, pace.stream, way),
      );
      const gigabytes = bytes / 1e9;
      figures = {
        ...figures,
        ...ifProcess(started, { [`stream.${way}.cpu`]: cpu / 1_000 / gigabytes }),
        [`stream.${way}.time`]: (duration * 1_000) / gigabytes,
      };
    }
    return figures;
  },
};
