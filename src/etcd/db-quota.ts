/**
 * The quota of a member's database. A status before etcd 3.6 does not have it, so it is read where every version
 * tells it, at `/metrics`: after the first status, when the member was away or has another version, and every ten
 * minutes. No status waits for that, and no timer runs for it.
 */
import { askForMetrics, type MetricsPageTarget, metricsIn } from './metrics-page.ts';
import type { MemberStatus } from './status/member-status.ts';
import { quotaIn } from './status/quota.ts';
import type { StatusClient } from './status-poller.ts';

/** Between two readings, ms. */
const interval = 600_000;
/** Bound on each reading, and the least time between two, ms. */
const timeout = 2_000;

/** Adds the quota, once it is known, to each status that `client` gets. `target` is called before each reading. */
export function withQuota(client: StatusClient, target: () => MetricsPageTarget): StatusClient {
  const closed = new AbortController();
  let quota: number | undefined;
  /** The version that told it; undefined for none. */
  let version: string | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  const refresh = ({ version: current }: MemberStatus): void => {
    const now = performance.now();
    if (now - askedAt < (current === version ? interval : timeout)) return;
    version = current;
    askedAt = now;
    const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(timeout)]);
    void askForMetrics(target(), signal)
      .then(metricsIn)
      .then(
        (text) => {
          quota = quotaIn(text);
        },
        () => {}, // what was known stays
      );
  };
  return {
    status: async () => {
      const status = await client.status().catch((error: unknown) => {
        version = undefined; // it may restart with another quota
        throw error;
      });
      refresh(status);
      return quota === undefined ? status : { ...status, dbQuota: quota };
    },
    close: () => {
      closed.abort();
      client.close();
    },
  };
}
