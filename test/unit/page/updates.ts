/** What a balancer in front of three healthy members sends to the page, for tests that change a part of it. */
import type {
  ClusterReport,
  HoldReport,
  MemberReport,
  StatusUpdate,
} from '../../../src/page/browser/wire.ts';

const since = '2026-11-22T20:40:00.000Z';

export function memberNamed(name: string, change: Partial<MemberReport> = {}): MemberReport {
  return {
    name,
    endpoint: `http://${name}.example:2379`,
    checkUrl: `http://${name}.example:2379`,
    state: 'healthy',
    since,
    acceptsNew: true,
    sessions: 0,
    sessionsOpened: 0,
    sessionsEnded: {
      'client-closed': 0,
      'member-closed': 0,
      'client-reset': 0,
      'member-reset': 0,
      evicted: 0,
      rebalanced: 0,
      removed: 0,
      drained: 0,
      operator: 0,
      paused: 0,
      shutdown: 0,
      silent: 0,
    },
    bytesFromClients: 0,
    bytesFromMember: 0,
    etcd: {
      at: since,
      duration: 1,
      clusterId: 'c1',
      memberId: name,
      version: '3.5.16',
      leaderId: 'm0',
      term: 7,
      revision: 50,
      raftIndex: 100,
      appliedIndex: 100,
      dbSize: 20_480,
      dbSizeInUse: 16_384,
      isLearner: false,
    },
    ...change,
  };
}

export function failedMember(name: string, detail = 'timed out after 700 ms'): MemberReport {
  return memberNamed(name, {
    state: 'failed',
    acceptsNew: false,
    evidence: { reason: 'timeout', detail, failedChecks: 2, since },
  });
}

/** m0, which leads, is lost. */
export const m0Held: HoldReport = {
  leader: 'm0',
  cause: 'unresponsive',
  why: 'm0, the leader, does not answer',
  since: '2026-11-22T20:41:59.200Z',
  forMs: 800,
};

/** An operator moves the lead of m0. */
export const m0Moved: HoldReport = {
  ...m0Held,
  cause: 'planned',
  why: 'an operator moves the leader from m0 to m1',
};

const wellCluster: ClusterReport = {
  clusterId: 'c1',
  voters: ['m0', 'm1', 'm2'],
  learners: [],
  unstarted: [],
  quorum: 2,
  healthyVoters: 3,
  unseenVoters: 0,
  tolerance: 1,
  leader: 'm0',
  leaderSince: since,
  term: 7,
  disagreeing: [],
  alarms: [],
  versions: ['3.5.16'],
  leaderChanges: 0,
};

export function updateWith(
  change: Partial<Omit<StatusUpdate, 'cluster'>> = {},
  cluster: Partial<ClusterReport> = {},
): StatusUpdate {
  return {
    at: '2026-11-22T20:42:00.000Z',
    name: 'cp1',
    host: 'node-1',
    version: '1.2.3',
    node: 'v26.0.0',
    pid: 1,
    startedAt: since,
    listen: ['127.0.0.1:2379'],
    policy: 'least-connections',
    copier: 'shared-buffer',
    mode: 'normal',
    stopping: false,
    sessions: 0,
    waitingClients: 0,
    maxConnections: 10_000,
    rejectedClients: {},
    failovers: 0,
    certificates: [],
    reload: { succeededAt: since },
    absentDrains: [],
    leaving: [],
    hold: { limitMs: 4_000 },
    members: ['m0', 'm1', 'm2'].map((name) => memberNamed(name)),
    ...change,
    cluster: { ...wellCluster, ...cluster },
  };
}
