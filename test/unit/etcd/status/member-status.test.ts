/** From what etcd answers, as its protocol has it, to a member status. */
import { describe, expect, test } from 'vitest';
import { statusOf } from '../../../../src/etcd/status/member-status.ts';

const status = {
  header: {
    cluster_id: '17237436991929493444',
    member_id: '9372538179322589801',
    revision: '1',
    raft_term: '2',
  },
  version: '3.5.16',
  dbSize: '20480',
  leader: '9372538179322589801',
  raftIndex: '9',
  raftTerm: '2',
  raftAppliedIndex: '8',
  errors: [] as string[],
  dbSizeInUse: '16384',
  isLearner: false,
};

test('identifiers are told as etcdctl tells them, numbers as numbers', () => {
  expect(statusOf(status, [], { at: 5, duration: 1 })).toEqual({
    at: 5,
    duration: 1,
    clusterId: 'ef37ad9dc622a7c4',
    memberId: '8211f1d0f64f3269',
    version: '3.5.16',
    leaderId: '8211f1d0f64f3269',
    term: 2,
    revision: 1,
    raftIndex: 9,
    appliedIndex: 8,
    dbSize: 20480,
    dbSizeInUse: 16384,
    isLearner: false,
    alarms: [],
    members: [],
  });
});

test('who knows no leader says 0', () => {
  expect(statusOf({ ...status, leader: '0' }, [], { at: 0, duration: 1 }).leaderId).toBeUndefined();
});

test('alarms are read from the errors, of which others may be among them', () => {
  const errors = ['etcdserver: no leader', 'memberID:9372538179322589801 alarm:NOSPACE '];
  expect(statusOf({ ...status, errors }, [], { at: 0, duration: 1 }).alarms).toEqual([
    { kind: 'NOSPACE', memberId: '8211f1d0f64f3269' },
  ]);
});

describe('more than any cluster can have', () => {
  const member = (index: number, clientURLs: string[] = []) => ({
    ...{ ID: `${index}`, name: `m${index}`, peerURLs: [], clientURLs, isLearner: false },
  });
  const timing = { at: 0, duration: 1 };

  test('members are refused as a whole, 32 are not', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => member(index));
    expect(() => statusOf(status, many, timing)).toThrow(
      'it lists 100000 members, more than the 32 of any cluster',
    );
    expect(statusOf(status, many.slice(0, 32), timing).members).toHaveLength(32);
    expect(() => statusOf(status, many.slice(0, 33), timing)).toThrow('it lists 33 members');
  });

  test('so are client URLs of one member, and alarms', () => {
    const urls = Array.from({ length: 33 }, () => '');
    expect(() => statusOf(status, [member(1, urls)], timing)).toThrow('33 client URLs');
    expect(statusOf(status, [member(1, urls.slice(1))], timing).members).toHaveLength(1);
    const errors = Array.from({ length: 129 }, (_, index) => `memberID:${index} alarm:NOSPACE`);
    expect(() => statusOf({ ...status, errors }, [], timing)).toThrow('it names 129 alarms');
  });
});

test('members are listed, those that were never started too', () => {
  const listed = [
    { ID: '10', name: 'm0', peerURLs: ['http://p'], clientURLs: ['http://c'], isLearner: false },
    { ID: '11', name: '', peerURLs: ['http://q'], clientURLs: [], isLearner: true },
  ];
  expect(statusOf(status, listed, { at: 0, duration: 1 }).members).toEqual([
    { id: 'a', name: 'm0', clientUrls: ['http://c'], isLearner: false },
    { id: 'b', name: '', clientUrls: [], isLearner: true },
  ]);
});
