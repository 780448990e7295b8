/**
 * Findings about the client URLs that members advertise. They are used by whoever follows the cluster's
 * own list: `--discovery members`, etcd's clients that sync, and etcdctl with `--cluster`.
 */

import type { Settings } from '../../config/settings.ts';
import { parseEndpoints } from '../../config/values/endpoint.ts';
import { newestList } from '../../etcd/status/cluster-view.ts';
import { planMembers } from '../../members/discovery/plan.ts';
import type { Finding } from '../finding.ts';
import type { Observation } from '../observation.ts';

/** Pure. */
export function findInAdvertised(
  observations: readonly Observation[],
  discovery: Settings['discovery'],
): Finding[] {
  const known = observations.flatMap(({ endpoint, health, poll }) =>
    parseEndpoints(endpoint, 'http').map((place) => ({
      ...{ place, isForeign: false, healthy: health.ok },
      status: poll.kind === 'known' ? poll.status : undefined,
      memberId: poll.kind === 'known' ? poll.status.memberId : undefined,
    })),
  );
  const list = newestList(known.flatMap(({ status }) => status ?? []));
  const places = known.map(({ place }) => place);
  return planMembers(list, known, places).misadvertised.map(({ name, why, usedAt }) => ({
    severity: discovery === 'members' && usedAt === undefined ? 'warning' : 'note',
    subject: name,
    seen: `advertises no client URL that others can use: ${why}`,
    why:
      usedAt === undefined
        ? 'Clients that follow the list of the cluster, and --discovery members, cannot reach it.'
        : `It is used at ${usedAt}, but clients that follow the list of the cluster cannot reach it.`,
    mend: `Start that etcd with --advertise-client-urls that other hosts can reach.`,
  }));
}
