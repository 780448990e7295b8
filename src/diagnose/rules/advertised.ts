/**
 * Findings about where members say that their clients are to go: whoever follows the cluster's own list
 * goes there, such as `--discovery members`, etcd's clients that sync, and etcdctl with `--cluster`.
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
  const known = observations.flatMap(({ endpoint, health, inspection }) =>
    parseEndpoints(endpoint, 'http').map((place) => ({
      ...{ place, isSeed: true, isForeign: false, healthy: health.ok },
      facts: inspection.kind === 'known' ? inspection.status : undefined,
      memberId: inspection.kind === 'known' ? inspection.status.memberId : undefined,
    })),
  );
  const list = newestList(known.flatMap(({ facts }) => facts ?? []));
  const scheme = known[0]?.place.scheme ?? 'http';
  return planMembers(list, known, scheme).misadvertised.map(({ name, why, usedAt }) => ({
    severity: discovery === 'members' && usedAt === undefined ? 'warning' : 'note',
    subject: name,
    seen: `advertises no client URL that others can use: ${why}`,
    why:
      usedAt === undefined
        ? 'Whoever follows the list of the cluster, as --discovery members does, cannot reach it.'
        : `It is used at ${usedAt}, but clients that follow the list of the cluster cannot reach it.`,
    mend: `Start that etcd with --advertise-client-urls that other hosts can reach.`,
  }));
}
