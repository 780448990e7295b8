/** What members might say, and a cluster in which all is well, to be changed by each test. */

import type { Observation } from '../../../src/diagnose/observation.ts';
import { parseExposition } from '../../../src/diagnose/probes/exposition.ts';
import type { MemberStatus } from '../../../src/etcd/status/member-status.ts';

const healthy: Observation['health'] = { ok: true, duration: 1 };

/** A member that refuses connections. */
export function refused(name: string): Observation {
  const detail = `connect ECONNREFUSED ${name}`;
  return {
    name,
    endpoint: `http://${name}:2379`,
    health: { ok: false, duration: 1, failure: { reason: 'refused', detail } },
    clientPort: { kind: 'closed', failure: { reason: 'refused', detail } },
    poll: { kind: 'unknown', why: detail },
    metrics: { kind: 'unread', why: detail },
  };
}

/** Its metrics, from their text. */
export function metrics(text: string): Observation['metrics'] {
  return { kind: 'read', samples: parseExposition(text) };
}

/** `size` healthy members `m0`, `m1`, … of cluster `c`; `m0` with the id `0` leads. */
export function cluster(size: number): Observation[] {
  return Array.from({ length: size }, (_, index) => ({
    name: `m${index}`,
    endpoint: `http://m${index}:2379`,
    health: healthy,
    clientPort: { kind: 'open' },
    poll: { kind: 'known', status: factsOf(index, size) },
    metrics: metrics(''),
  }));
}

/** The observation with other facts. */
export function withFacts(observation: Observation, facts: Partial<MemberStatus>): Observation {
  const { poll } = observation;
  if (poll.kind === 'unknown') throw new Error('nothing is known of it');
  return {
    ...observation,
    poll: { kind: 'known', status: { ...poll.status, ...facts } },
  };
}

function factsOf(index: number, size: number): MemberStatus {
  return {
    at: 0,
    duration: 1,
    clusterId: 'c',
    memberId: String(index),
    version: '3.5.16',
    leaderId: '0',
    revision: 50,
    term: 2,
    raftIndex: 10,
    appliedIndex: 10,
    dbSize: 20_000,
    dbSizeInUse: 16_000,
    isLearner: false,
    alarms: [],
    members: Array.from({ length: size }, (_, each) => ({
      id: String(each),
      name: `m${each}`,
      clientUrls: [`http://m${each}:2379`],
      isLearner: false,
    })),
  };
}
