/** Quorum arithmetic and what members together say, over whatever they may say. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quorumOf, type SeenMember, viewOf } from '../../../../src/etcd/status/cluster-view.ts';
import type { ListedMember, MemberStatus } from '../../../../src/etcd/status/member-status.ts';
import { someFacts } from '../../../support/described-cluster.ts';

/** Members `a`, `b`, … of one cluster with so many voters, all healthy; `a` leads in term 2. */
function clusterOf(
  voters: number,
  change: (status: MemberStatus) => Partial<MemberStatus> = () => ({}),
) {
  const ids = Array.from({ length: voters }, (_, index) => String.fromCharCode(97 + index));
  const members = ids.map(
    (id): ListedMember => ({
      ...{ id, name: `etcd-${id}`, clientUrls: [`http://${id}`], isLearner: false },
    }),
  );
  return ids.map((memberId): SeenMember => {
    const status = { ...someFacts, memberId, members };
    return {
      ...{ name: `m-${memberId}`, healthy: true, answers: true },
      status: { ...status, ...change(status) },
    };
  });
}

test.each([
  [0, 0],
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
  [9, 5],
])('of %i voters %i are a quorum', (voters, quorum) => {
  expect(quorumOf(voters)).toBe(quorum);
});

test('two quorums always share a member, and losing the tolerance leaves one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(9), (voters, down) => {
      const members = clusterOf(voters).map((each, index) => ({ ...each, healthy: index >= down }));
      const { quorum, healthyVoters, tolerance } = viewOf(members);
      expect(2 * quorum).toBeGreaterThan(voters);
      expect(healthyVoters).toBe(Math.max(0, voters - down));
      expect(tolerance).toBe(Math.max(0, healthyVoters - quorum));
      if (tolerance > 0) expect(healthyVoters - tolerance).toBe(quorum);
    }),
  );
});

test('of nobody who has said anything nothing is known', () => {
  const silent = [{ name: 'm0', healthy: true, answers: false, status: undefined }];
  for (const members of [[], silent]) {
    expect(viewOf(members)).toMatchObject({
      ...{ clusterId: undefined, leader: undefined, voters: [], quorum: 0, tolerance: 0, term: 0 },
    });
  }
});

describe('members', () => {
  test('are called by our names, or by those they have in the cluster', () => {
    const [only] = clusterOf(3);
    expect(viewOf(only ? [only] : [])).toMatchObject({
      ...{ voters: ['etcd-b', 'etcd-c', 'm-a'], unseenVoters: 2, healthyVoters: 1, tolerance: 0 },
    });
  });

  test('who are learners or were never started are told apart', () => {
    const members = [
      ...someFacts.members,
      { id: 'd', name: 'etcd-d', clientUrls: ['http://d'], isLearner: true },
      { id: 'e', name: '', clientUrls: [], isLearner: false },
    ];
    expect(viewOf(clusterOf(3, () => ({ members })))).toMatchObject({
      voters: ['e', 'm-a', 'm-b', 'm-c'],
      learners: ['etcd-d'],
      unstarted: ['e'],
      ...{ quorum: 3, unseenVoters: 1, tolerance: 0 },
    });
  });

  test('are those that whoever has applied most knows of', () => {
    const old = someFacts.members.slice(0, 2);
    const members = clusterOf(3, ({ memberId }) =>
      memberId === 'b' ? {} : { appliedIndex: 5, members: old },
    );
    expect(viewOf(members).voters).toEqual(['m-a', 'm-b', 'm-c']);
  });

  test('of another cluster are none of it', () => {
    const members = clusterOf(3, ({ memberId }) =>
      memberId === 'c' ? { clusterId: 'other', leaderId: 'z', term: 99, version: '9' } : {},
    );
    expect(viewOf(members)).toMatchObject({
      ...{ clusterId: 'c1', healthyVoters: 2, unseenVoters: 1, term: 2, versions: ['3.5.16'] },
    });
  });

  test('of two clusters, half and half, are of none', () => {
    const members = clusterOf(2, ({ memberId }) => ({ clusterId: memberId }));
    expect(viewOf(members)).toMatchObject({ clusterId: undefined, voters: [] });
  });
});

describe('the leader', () => {
  test('is whom most of those that answer name, and with it the term', () => {
    const members = clusterOf(3, ({ memberId }) =>
      memberId === 'c' ? { leaderId: 'c', term: 1 } : {},
    );
    expect(viewOf(members)).toMatchObject({
      ...{ leader: { memberId: 'a', name: 'm-a' }, term: 2, disagreeing: ['m-c'] },
    });
  });

  test('stays when one that is cut off counts up terms by itself', () => {
    const members = clusterOf(3, ({ memberId }) =>
      memberId === 'c' ? { leaderId: undefined, term: 50 } : {},
    );
    expect(viewOf(members)).toMatchObject({ leader: { memberId: 'a' }, disagreeing: ['m-c'] });
  });

  test('is not one that became unresponsive, however sure of itself it was', () => {
    const members = clusterOf(3, ({ memberId }) =>
      memberId === 'a' ? {} : { leaderId: undefined, term: 3 },
    ).map((each) => ({ ...each, answers: each.name !== 'm-a' }));
    expect(viewOf(members)).toMatchObject({ leader: undefined, term: 3, disagreeing: [] });
  });

  test('is known as soon as one of those that answer names it', () => {
    const members = clusterOf(3, ({ memberId }) =>
      memberId === 'b' ? { leaderId: 'b', term: 3 } : { leaderId: undefined, term: 3 },
    );
    expect(viewOf(members)).toMatchObject({ leader: { memberId: 'b' }, term: 3 });
  });

  test('stays as it was when all become unresponsive at once', () => {
    const members = clusterOf(3).map((each) => ({ ...each, answers: false, healthy: false }));
    expect(viewOf(members)).toMatchObject({ leader: { memberId: 'a' }, disagreeing: [] });
  });
});

test('each alarm is there once, whoever tells of it', () => {
  const alarms = [{ kind: 'NOSPACE', memberId: 'b' }];
  expect(viewOf(clusterOf(3, () => ({ alarms }))).alarms).toEqual([
    { kind: 'NOSPACE', memberId: 'b', member: 'm-b' },
  ]);
});

test('versions are there once each, the oldest first', () => {
  const versions: Record<string, string> = { a: '3.10.0', b: '3.5.16', c: '3.5.16' };
  const members = clusterOf(3, ({ memberId }) => ({ version: versions[memberId] ?? '' }));
  expect(viewOf(members).versions).toEqual(['3.5.16', '3.10.0']);
});
