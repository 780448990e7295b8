/** What is told as members describe their cluster, and to whom. */

import { beforeEach, describe, expect, test } from 'vitest';
import { LiveSettings } from '../../../src/config/live-settings.ts';
import { Cluster, type ClusterChange, trustedList } from '../../../src/etcd/cluster.ts';
import { KnownCluster } from '../../../src/etcd/known-cluster.ts';
import type { Ineligibility } from '../../../src/etcd/status/eligibility.ts';
import type { ListedMember, MemberStatus } from '../../../src/etcd/status/member-status.ts';
import { type Health, unknownHealth } from '../../../src/health/state/health.ts';
import type { Member } from '../../../src/members/member.ts';
import { someFacts } from '../../support/described-cluster.ts';
import { aMember } from '../../support/members.ts';

let a: Member;
let b: Member;
let c: Member;

const healthy: Health = { state: 'healthy', since: 0 };

let changes: ClusterChange[];
let eligibility: Map<Member, Ineligibility | undefined>;
let there: Member[];
let cluster: Cluster;
beforeEach(() => {
  changes = [];
  eligibility = new Map();
  there = ['a', 'b', 'c'].map((name) => aMember(name, { health: healthy }));
  [a, b, c] = there as [Member, Member, Member];
  cluster = new Cluster({
    members: () => there,
    settings: new LiveSettings({ maxLag: 10 }),
    known: new KnownCluster(undefined, () => {}),
    onEligibility: (member, ineligibility) => eligibility.set(member, ineligibility),
    onChange: (change) => changes.push(change),
  });
});

function says(member: Member, status: Partial<MemberStatus> = {}, now = 0): void {
  const all = { ...someFacts, memberId: member.name, ...status };
  cluster.observe(member, { kind: 'known', status: all }, now);
}

function isSilent(member: Member, now = 0): void {
  cluster.observe(member, { kind: 'unknown', why: 'timed out' }, now);
}

const leading = (): string[] => there.filter(({ leads }) => leads).map(({ name }) => name);

const told = (): string[] => changes.splice(0).map(({ kind }) => kind);

describe('the leader', () => {
  test('is told of once, by whomever', () => {
    says(a);
    says(b);
    says(a);
    expect(changes).toEqual([
      {
        ...{ kind: 'leader-changed', leader: 'a', term: 2, first: true },
      },
    ]);
    expect(cluster.leaderChanges).toBe(0);
  });

  test('that is gone, and the next with how long it took', () => {
    for (const member of [a, b, c]) says(member);
    changes = [];
    isSilent(a, 900);
    says(b, { leaderId: undefined, term: 3 }, 1_000);
    expect(cluster.isSettled).toBe(true); // one still knows it
    says(c, { leaderId: undefined, term: 3 }, 1_100);
    expect(cluster.isSettled).toBe(false);
    says(b, { leaderId: 'c', term: 3 }, 2_400);
    expect(changes).toEqual([
      { kind: 'inspection-failing', member: 'a', why: 'timed out' },
      { kind: 'leader-lost', was: 'a', term: 3 },
      {
        ...{ kind: 'leader-changed', leader: 'c', term: 3, first: false },
        without: 1_300,
      },
    ]);
    expect(cluster.leaderChanges).toBe(1);
    expect(cluster.leaderSince).toBe(2_400);
  });

  test('is the only one that leads, until another does', () => {
    for (const member of [a, b, c]) says(member);
    expect(leading()).toEqual(['a']);
    isSilent(a);
    for (const member of [b, c]) says(member, { leaderId: 'c', term: 3 });
    expect(leading()).toEqual(['c']);
  });

  test('that is elected again is told of, and is no change of leader', () => {
    says(a);
    says(a, { leaderId: undefined }, 10);
    says(a, {}, 20);
    expect(told()).toEqual(['leader-changed', 'leader-lost', 'leader-changed']);
    expect(cluster.leaderChanges).toBe(0);
  });
});

test('an alarm is told when it is raised and when it is over', () => {
  const alarms = [{ kind: 'NOSPACE', memberId: 'b' }];
  says(b, { alarms });
  says(a, { alarms });
  expect(changes.slice(1)).toEqual([{ kind: 'alarm-raised', alarm: 'NOSPACE', member: 'b' }]);
  says(a);
  expect(changes).toHaveLength(2); // the other still says so
  says(b);
  expect(changes.slice(2)).toEqual([{ kind: 'alarm-cleared', alarm: 'NOSPACE', member: 'b' }]);
});

test('a member that cannot be asked is told once, and once when it can', () => {
  isSilent(a);
  isSilent(a);
  expect(a.statusError).toBe('timed out');
  says(a);
  expect(a.statusError).toBeUndefined();
  expect(told()).toEqual(['inspection-failing', 'inspection-back', 'leader-changed']);
});

describe('the eligibility', () => {
  test('of each follows from what the others say', () => {
    says(a, { clusterId: 'c2' });
    expect(eligibility.get(a)).toBeUndefined();
    says(b);
    says(c);
    expect(eligibility.get(a)).toMatchObject({ reason: 'other-cluster' });
    expect(eligibility.get(b)).toBeUndefined();
    says(a);
    expect(eligibility.get(a)).toBeUndefined();
  });

  test('counts the lag behind the leader', () => {
    says(b, { appliedIndex: 50 });
    says(a, { appliedIndex: 100 });
    expect(eligibility.get(b)).toMatchObject({ reason: 'lagging' });
    says(b, { appliedIndex: 95 });
    expect(eligibility.get(b)).toBeUndefined();
  });
});

describe('the list', () => {
  const grown = [...someFacts.members, { ...someFacts.members[0], id: 'd' } as ListedMember];

  test('is that of who has applied most, among those that are healthy and voters', () => {
    expect(trustedList(there)).toEqual([]);
    says(a);
    says(b, { members: grown, appliedIndex: 101 });
    expect(trustedList(there)).toEqual(grown);
    b.health = unknownHealth(0);
    expect(trustedList(there)).toEqual(someFacts.members);
    b.health = healthy;
    says(b, { members: grown, appliedIndex: 101, isLearner: true });
    expect(trustedList(there)).toEqual(someFacts.members);
    says(b, { members: grown, appliedIndex: 101 });
    isSilent(b);
    expect(trustedList(there)).toEqual(someFacts.members);
  });

  test('is not that of another cluster than most', () => {
    says(a);
    says(b);
    says(c, { clusterId: 'c2', members: grown, appliedIndex: 1_000 });
    expect(trustedList(there)).toEqual(someFacts.members);
  });

  test('is empty when nobody can tell, and what is forgotten tells nothing', () => {
    says(a);
    expect(cluster.isSettled).toBe(true);
    there = [b, c];
    expect(trustedList(there)).toEqual([]);
    expect(cluster.view.clusterId).toBeUndefined();
  });
});
