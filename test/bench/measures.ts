/** All measures, in the order of the tables. */

import { churn } from './measure/churn.ts';
import { connections } from './measure/connections.ts';
import { following } from './measure/following.ts';
import { memberGrowth, rateGrowth, sessionGrowth } from './measure/growth.ts';
import { idle } from './measure/idle.ts';
import { large } from './measure/large.ts';
import { latency } from './measure/latency.ts';
import { loop } from './measure/loop.ts';
import { memory, stoppedReaders } from './measure/memory.ts';
import { rpc } from './measure/rpc.ts';
import { start } from './measure/start.ts';
import { stream } from './measure/stream.ts';
import { terminating } from './measure/terminating.ts';
import { tls } from './measure/tls.ts';
import type { Measure } from './measure.ts';

export const measures: readonly Measure[] = [
  ...[rpc, latency, large, stream, tls, connections, start, idle, memory, stoppedReaders, loop],
  ...[following, terminating],
  ...[sessionGrowth, memberGrowth, rateGrowth, churn],
];
