import { describe, expect, test } from 'vitest';
import { headlineOf } from '../../../src/page/browser/cluster/headline.ts';
import type { ClusterReport, StatusUpdate } from '../../../src/page/browser/wire.ts';
import { failedMember, m0Held, m0Moved, memberNamed, updateWith } from './updates.ts';

const well = updateWith().members;
const lame = memberNamed('m1', { state: 'recovering', acceptsNew: false });
const evidence = {
  reason: 'timeout',
  detail: 'timed out after 700 ms',
  failedChecks: 1,
  since: '2026-11-22T20:41:00.000Z',
} as const;
const suspect = memberNamed('m1', { state: 'suspect', acceptsNew: false, evidence });
const learner = { reason: 'learner', detail: 'it is a learner' } as const;
const oneLess = { healthyVoters: 2, tolerance: 0 };
const strangers = { reason: 'other-cluster', detail: 'it belongs to cluster c2' } as const;
const with1 = (member: (typeof well)[number]) =>
  well.map((each) => (each.name === 'm1' ? member : each));

type Case = readonly [
  string,
  Partial<Omit<StatusUpdate, 'cluster'>>,
  Partial<ClusterReport>,
  string,
  string,
  string,
];

test.each<Case>([
  ['all well', {}, {}, 'ok', 'Healthy', 'All 3 members healthy, one may fail.'],
  [
    'five members',
    { members: ['a', 'b', 'c', 'd', 'e'].map((name) => memberNamed(name)) },
    { voters: ['a', 'b', 'c', 'd', 'e'], quorum: 3, healthyVoters: 5, tolerance: 2 },
    ...(['ok', 'Healthy', 'All 5 members healthy, two may fail.'] as const),
  ],
  [
    'a single member',
    { members: [memberNamed('m0')] },
    { voters: ['m0'], quorum: 1, healthyVoters: 1, tolerance: 0 },
    ...(['ok', 'Healthy', 'm0 is healthy, and it is the only one.'] as const),
  ],
  [
    'two voters',
    { members: well.slice(0, 2) },
    { voters: ['m0', 'm1'], quorum: 2, healthyVoters: 2, tolerance: 0 },
    ...(['ok', 'Healthy', 'All 2 members healthy, none may fail.'] as const),
  ],
  [
    'a voter that is no endpoint',
    { members: well.slice(0, 2) },
    { healthyVoters: 2, unseenVoters: 1, tolerance: 0 },
    ...([
      'ok',
      'Healthy',
      'All 2 members healthy, none may fail; one of the voters is not watched from here.',
    ] as const),
  ],
  [
    'a cluster that says nothing',
    {},
    { voters: [], quorum: 0, healthyVoters: 0, tolerance: 0, leader: undefined as never },
    ...(['ok', 'Healthy', 'All 3 members healthy, how many may fail is not known yet.'] as const),
  ],
  [
    'a learner beside',
    { members: [...well, memberNamed('m3', { unfit: learner, acceptsNew: false })] },
    {},
    ...(['ok', 'Healthy', 'All 3 members healthy, beside a learner, one may fail.'] as const),
  ],
  [
    'a failed member',
    { members: with1(failedMember('m1')) },
    oneLess,
    ...([
      'warn',
      'At risk',
      'm1 failed: timed out after 700 ms; no further failure is tolerated.',
    ] as const),
  ],
  [
    'a failed member of five',
    { members: with1(failedMember('m1')) },
    { voters: ['a', 'b', 'c', 'd', 'e'], quorum: 3, healthyVoters: 4, tolerance: 1 },
    ...(['warn', 'Degraded', 'm1 failed: timed out after 700 ms; one more may fail.'] as const),
  ],
  [
    'two that failed alike and one that did not',
    {
      members: [
        failedMember('a'),
        failedMember('b'),
        failedMember('c', 'refused'),
        memberNamed('d'),
      ],
    },
    { tolerance: 0 },
    ...([
      'warn',
      'At risk',
      'a and b failed: timed out after 700 ms; c failed: refused; no further failure is tolerated.',
    ] as const),
  ],
  [
    'a suspect',
    { members: with1(suspect) },
    oneLess,
    ...([
      'warn',
      'At risk',
      'm1 is suspect: timed out after 700 ms; no further failure is tolerated.',
    ] as const),
  ],
  [
    'a member that comes back',
    { members: with1(lame) },
    oneLess,
    ...(['warn', 'Recovering', 'm1 is recovering; no further failure is tolerated.'] as const),
  ],
  [
    'a member of another cluster',
    { members: with1(memberNamed('m1', { unfit: strangers, acceptsNew: false })) },
    oneLess,
    ...([
      'warn',
      'At risk',
      'm1 is not used: it belongs to cluster c2; no further failure is tolerated.',
    ] as const),
  ],
  [
    'no leader, whatever else',
    { members: with1(failedMember('m1')) },
    { ...oneLess, leader: undefined as never },
    ...([
      'bad',
      'No leader',
      'No member knows a leader: nothing can be written until one is elected; m1 failed: timed out after 700 ms.',
    ] as const),
  ],
  [
    'no leader with nobody to blame',
    {},
    { leader: undefined as never },
    ...([
      'bad',
      'No leader',
      'No member knows a leader: nothing can be written until one is elected.',
    ] as const),
  ],
  [
    'no quorum',
    { members: [memberNamed('m0'), failedMember('m1'), failedMember('m2')] },
    { healthyVoters: 1, tolerance: 0 },
    ...([
      'bad',
      'No quorum',
      'Only one of three voting members is healthy, and it takes two to write; m1 and m2 failed: timed out after 700 ms.',
    ] as const),
  ],
  [
    'a quorum that may be there unseen',
    { members: [memberNamed('m0'), failedMember('m1')] },
    { healthyVoters: 1, unseenVoters: 1, tolerance: 0 },
    ...([
      'warn',
      'At risk',
      'm1 failed: timed out after 700 ms; no further failure is tolerated; one of the voters is not watched from here.',
    ] as const),
  ],
  [
    'panic, whatever else',
    { mode: 'panic', members: well.map(({ name }) => failedMember(name)) },
    { healthyVoters: 0, tolerance: 0, leader: undefined as never },
    ...([
      'bad',
      'Panic',
      'No member is healthy; clients are sent to every one that may be there. m0, m1 and m2 failed: timed out after 700 ms.',
    ] as const),
  ],
  [
    'a full database',
    {},
    { alarms: [{ kind: 'NOSPACE', memberId: '1', member: 'm2' }] },
    ...(['bad', 'Alarm', 'm2 raised the alarm NOSPACE: writes are refused.'] as const),
  ],
  [
    'corrupt data',
    {},
    { alarms: [{ kind: 'CORRUPT', memberId: '1', member: 'm2' }] },
    ...(['bad', 'Alarm', 'm2 raised the alarm CORRUPT.'] as const),
  ],
  [
    'the start',
    { mode: 'starting', members: well.map(({ name }) => memberNamed(name, { state: 'unknown' })) },
    { voters: [] },
    ...(['note', 'Starting', 'No member is healthy yet, and some have not been checked.'] as const),
  ],
  [
    'the end',
    { stopping: true, mode: 'panic' },
    {},
    ...(['warn', 'Stopping', 'This balancer is stopping: it takes no new clients.'] as const),
  ],
  [
    'nobody',
    { members: [] },
    {},
    ...(['bad', 'No members', 'No member is known, so every client is turned away.'] as const),
  ],
  [
    'members that disagree',
    {},
    { disagreeing: ['m2'] },
    ...([
      'warn',
      'Disagreement',
      'm2 names another leader or term than most; one may fail.',
    ] as const),
  ],
  [
    'a member that cannot be asked',
    { members: with1(memberNamed('m1', { unknown: 'authentication failed' })) },
    {},
    ...([
      'warn',
      'Partly unknown',
      'All members pass their checks, but the status of m1 is not known; one may fail.',
    ] as const),
  ],
  [
    'a drained member',
    { members: with1(memberNamed('m1', { drain: { since: '2026-11-22T20:41:00.000Z' } })) },
    {},
    ...(['note', 'Drained', 'm1 is drained by an operator; one may fail.'] as const),
  ],
])('%s', (_, change, cluster, tone, word, sentence) => {
  expect(headlineOf(updateWith(change, cluster))).toMatchObject({ tone, word, sentence });
});

describe('a hold', () => {
  const sentence =
    'm0, the leader, does not answer. What clients send waits, at most 4 s, until there is a leader.';
  const lost = {
    hold: { limitMs: 4_000, current: m0Held },
    members: well.map(({ name }) => failedMember(name)),
  };

  test('is a warning, and tells since when apart from what is read out', () => {
    expect(headlineOf(updateWith(lost))).toMatchObject({
      ...{ tone: 'warn', word: 'Holding', sentence },
      since: m0Held.since,
    });
  });

  test.each<[string, Partial<Omit<StatusUpdate, 'cluster'>>, Partial<ClusterReport>]>([
    ['panic', { mode: 'panic' }, {}],
    ['that nobody knows a leader', {}, { leader: undefined as never }],
    ['a lost quorum', {}, { healthyVoters: 0, tolerance: 0 }],
  ])('comes before %s, which a lost leader brings with it', (_, change, cluster) => {
    expect(headlineOf(updateWith({ ...lost, ...change }, cluster)).word).toBe('Holding');
    expect(
      headlineOf(updateWith({ ...lost, ...change, hold: { limitMs: 4_000 } }, cluster)).tone,
    ).toBe('bad');
  });

  test('is no warning where an operator wants it', () => {
    expect(headlineOf(updateWith({ hold: { limitMs: 500, current: m0Moved } }))).toMatchObject({
      tone: 'note',
      sentence:
        'An operator moves the leader from m0 to m1. What clients send waits, at most 500 ms, until another member leads.',
    });
  });

  test('does not outlast the balancer', () => {
    expect(headlineOf(updateWith({ ...lost, stopping: true })).word).toBe('Stopping');
  });

  test('that is over is nothing to tell', () => {
    const last = {
      leader: 'm0',
      cause: 'gone',
      end: 'expired',
      at: '',
      durationMs: 4_000,
    } as const;
    expect(headlineOf(updateWith({ hold: { limitMs: 4_000, last } })).word).toBe('Healthy');
  });
});

test('does not change with what counts on by itself', () => {
  const failed = failedMember('m1');
  const later = {
    ...failed,
    ...(failed.evidence && { evidence: { ...failed.evidence, failedChecks: 90 } }),
  };
  const [before, after] = [failed, later].map((member) =>
    headlineOf(updateWith({ members: with1(member), sessions: member === later ? 9 : 1 }, oneLess)),
  );
  expect(after).toEqual(before);
});
