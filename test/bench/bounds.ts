/** What the benchmark must show on etcd-lb, with what was measured. Pure. */
import { atLeast, atMost, type Bound } from '../faults/fault.ts';
import { mostSessions } from './load/descriptors.ts';
import type { Results } from './results.ts';

const us = 'etcd-lb';
/** What a curve may rise by from its first point to its last and still be called flat. */
const flat = 1.2;
/** Memory that an allocator keeps after 10,000 sessions have closed, MB: "back to the start". */
const kept = 10;

/** The bounds for which there are figures; the others were not asked for in this run. */
export function boundsOf(results: Results): readonly Bound[] {
  const ours = (key: string) => results.median(key, us);
  const toHaproxy = (key: string) => results.summary(key, us)?.toHaproxy ?? Number.NaN;
  const added = (key: string, contestant: string) =>
    results.summary(key, contestant)?.added ?? Number.NaN;
  return [
    atMost(1, 'CPU per small RPC, of HAProxy’s', toHaproxy('rpc.cpu')),
    atMost(0.9, 'CPU per GB of 1 MB answers, of HAProxy’s', toHaproxy('large.cpu')),
    ...['p50', 'p99'].map((share) => {
      const key = `latency.${share}`;
      const limit = added(key, 'haproxy');
      return atMost(limit, `${share} added at 2,000 RPC/s, µs (HAProxy’s)`, added(key, us));
    }),
    atMost(8, `memory per silent session of ${mostSessions}, KB`, ours('memory.session')),
    atMost(kept, 'memory kept after they closed, MB', ours('memory.after')),
    atMost(
      0,
      'growth over 20 minutes of churn, beyond 5 MB of noise, MB',
      ours('churn.growth') - 5,
    ),
    atMost(128, 'memory per client that does not read, KB', ours('stopped.client')),
    atMost(95, 'memory when idle with five members, MB', ours('idle.memory')),
    atMost(0.5, 'CPU when idle with five members, % of a core', ours('idle.cpu')),
    atMost(250, 'start to first accepted connection, ms', ours('start.time')),
    atLeast(0.5, 'new connections per second, of HAProxy’s', toHaproxy('connections.perSecond')),
    atMost(3, 'event-loop delay p99 at 20,000 RPC/s, ms', ours('loop.p99')),
    atMost(
      1.1,
      'CPU per small RPC, followed, of that copied',
      ours('following.on') / ours('following.off'),
    ),
    ...['rpc', 'large'].map((what) => {
      const key = `terminating.${what}.cpu`;
      return atMost(1.3, `CPU in TLS that ends here, ${what}, of HAProxy’s`, toHaproxy(key));
    }),
    flatness(
      `CPU per RPC with ${mostSessions} sessions, of that with 10`,
      `sessions.${mostSessions}`,
      'sessions.10',
    ),
    flatness('CPU per RPC with 9 members, of that with 1', 'members.9', 'members.1'),
  ].filter(({ measured, limit }) => !Number.isNaN(measured) && !Number.isNaN(limit));

  function flatness(what: string, last: string, first: string): Bound {
    return atMost(flat, what, ours(`${last}.cpu`) / ours(`${first}.cpu`));
  }
}
