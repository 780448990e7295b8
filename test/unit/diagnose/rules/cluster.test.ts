import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../../src/diagnose/finding.ts';
import type { Observation } from '../../../../src/diagnose/observation.ts';
import { findInCluster } from '../../../../src/diagnose/rules/cluster.ts';
import type { Known } from '../../../../src/etcd/known-cluster.ts';
import { cluster, refused, withFacts } from '../observations.ts';

/** `error cluster: what was seen`, of each finding but that three members are not five. */
function said(observations: readonly Observation[], served?: Known): string[] {
  return findInCluster(observations, 'static', served)
    .map(({ severity, subject, seen }: Finding) => `${severity} ${subject}: ${seen}`)
    .filter((each) => !/are recommended/.test(each));
}

/** Changes some members by their index. */
function changed(
  observations: readonly Observation[],
  change: (each: Observation, index: number) => Observation,
): Observation[] {
  return observations.map(change);
}

const unhealthy: Observation['health'] = {
  ok: false,
  duration: 1,
  failure: { reason: 'unhealthy', detail: 'answered 503' },
};

describe('the size', () => {
  test.each([
    [1, ['warning cluster: a single member']],
    [2, ['warning cluster: an even number of voting members: 2']],
    [3, ['note cluster: 3 voting members, and 5 are recommended for production']],
    [4, ['warning cluster: an even number of voting members: 4']],
    [5, []],
    [7, []],
  ])('of %d members', (size, expected) => {
    const findings = findInCluster(cluster(size), 'static');
    expect(
      findings.map(({ severity, subject, seen }) => `${severity} ${subject}: ${seen}`),
    ).toEqual(expected);
  });
});

describe('the quorum', () => {
  const down = (size: number, count: number) =>
    changed(cluster(size), (each, index) => (index < size - count ? each : refused(each.name)));

  test('with one to lose says nothing', () => {
    expect(said(down(3, 0))).toEqual([]);
    expect(said(down(5, 1))).toEqual([]);
  });

  test('with none to lose is a warning', () => {
    const words = (healthy: number, size: number) =>
      `warning cluster: ${healthy} of ${size} voting members are known to be healthy, and it takes ${healthy}: no other may fail`;
    expect(said(down(3, 1))).toEqual([words(2, 3)]);
    expect(said(down(5, 2))).toEqual([words(3, 5)]);
  });

  test('that is lost is an error, whether or not members still speak', () => {
    expect(said(changed(down(3, 2), (each) => ({ ...each, health: unhealthy })))).toEqual([
      'error cluster: no quorum: none of its 3 voting members is healthy, and it takes 2',
    ]);
    expect(said(down(3, 3))).toEqual(['error cluster: no quorum: no endpoint is healthy']);
    expect(said(cluster(1).map((each) => ({ ...each, health: unhealthy })))).toContain(
      'error cluster: no quorum: its only voting member is not healthy',
    );
  });

  test('is lost, whatever passes its checks elsewhere', () => {
    const ill = cluster(3).map((each) => ({ ...each, health: unhealthy }));
    const [stranger] = cluster(1).map((each) => withFacts(each, { clusterId: 'd', members: [] }));
    if (stranger === undefined) throw new Error('no stranger');
    expect(said([...ill, { ...stranger, name: 'stranger' }])).toEqual([
      'error stranger: of cluster d, and most are of c',
      'error cluster: no quorum: none of its 3 voting members is healthy, and it takes 2',
    ]);
  });

  test('counts a member that is not named as one that may be healthy', () => {
    const [first, second] = cluster(3);
    if (first === undefined || second === undefined) throw new Error('no members');
    const unnamed = 'warning m2: a member of the cluster that is not in --endpoints';
    expect(said([first, second])).toEqual([unnamed]);
    expect(said([first, refused('m1')])).toEqual([
      'warning cluster: 1 of 3 voting members are known to be healthy, and it takes 2: no other may fail',
      unnamed,
    ]);
  });

  test('is there when a healthy member proves it, whoever the others are', () => {
    expect(said(cluster(5).slice(0, 2)).filter((each) => /quorum|may fail/.test(each))).toEqual([]);
  });
});

describe('which cluster', () => {
  const strangers = (...indices: number[]) =>
    changed(cluster(3), (each, index) =>
      indices.includes(index) ? withFacts(each, { clusterId: 'd', members: [] }) : each,
    );

  test('a member of another one is an error', () => {
    expect(said(strangers(2))).toContain('error m2: of cluster d, and most are of c');
  });

  test('a cluster in place of the one that was served is one error, and its members none', () => {
    expect(said(strangers(0, 1, 2), { id: 'c', revision: 50 })).toContain(
      'error cluster: it is another one: d in place of c, which etcd-lb has served; restored from a snapshot, or made anew',
    );
    expect(said(strangers(0, 1, 2), { id: 'd', revision: 50 })).not.toContainEqual(
      expect.stringContaining('d'),
    );
  });

  test('a member restored by itself is told from that, whatever most are of', () => {
    const found = said(strangers(1, 2), { id: 'c', revision: 50 });
    expect(found).toContain('error m1: of cluster d, and clients are served by c');
    expect(found).not.toContainEqual(expect.stringContaining('another one'));
  });

  test('one that went back is a warning', () => {
    const behind = 'its revision 50 is below 51, which clients have seen';
    expect(said(cluster(3), { id: 'c', revision: 51 })).toEqual([`warning cluster: ${behind}`]);
    expect(said(cluster(3), { id: 'c', revision: 50 })).toEqual([]);
    expect(said(strangers(0, 1, 2), { id: 'c', revision: 51 })).toContain(
      `warning cluster: ${behind}`,
    );
  });

  test('members of as many clusters as there are members are all errors', () => {
    expect(said(strangers(1).slice(0, 2))).toEqual([
      'error m0: of cluster c, and no cluster has most of them',
      'error m1: of cluster d, and no cluster has most of them',
    ]);
  });
});

describe('the leader', () => {
  test('that nobody knows is a warning', () => {
    const leaderless = changed(cluster(3), (each) => withFacts(each, { leaderId: undefined }));
    expect(said(leaderless)).toEqual(['warning cluster: no member knows a leader at this moment']);
  });

  test('that one does not follow is a warning, unless that one is not healthy anyway', () => {
    const astray = changed(cluster(3), (each, index) =>
      index === 2 ? withFacts(each, { leaderId: '2' }) : each,
    );
    expect(said(astray)).toEqual(['warning m2: does not follow m0, the leader of term 2']);
    const cutOff = changed(astray, (each, index) =>
      index === 2 ? { ...each, health: unhealthy } : each,
    );
    expect(said(cutOff).filter((each) => /follow/.test(each))).toEqual([]);
  });
});

test('alarms are errors of who raised them', () => {
  const alarms = [
    { kind: 'NOSPACE', memberId: '1' },
    { kind: 'CORRUPT', memberId: '2' },
  ];
  const findings = findInCluster(
    changed(cluster(5), (each) => withFacts(each, { alarms })),
    'static',
  );
  expect(findings).toMatchObject(
    [
      { severity: 'error', subject: 'm1', seen: 'alarm NOSPACE', mend: /disarm/ },
      { severity: 'error', subject: 'm2', seen: 'alarm CORRUPT', mend: /member remove/ },
    ].map((each) => ({ ...each, mend: expect.stringMatching(each.mend) })),
  );
});

describe('the list of members', () => {
  const listed = cluster(5);

  test('with one that is not named here is a warning', () => {
    expect(said(listed.slice(0, 4))).toEqual([
      'warning m4: a member of the cluster that is not in --endpoints',
    ]);
  });

  test('with one that says nothing at the moment is none, by its name or its URL', () => {
    const silent = (endpoint: string, name: string) => ({ ...refused(name), endpoint });
    expect(said([...listed.slice(0, 4), silent('http://elsewhere', 'm4')])).toEqual([]);
    expect(said([...listed.slice(0, 4), silent('http://m4:2379', 'etcd-4')])).toEqual([]);
    const unnamed = ['warning m3: a member of the cluster that is not in --endpoints'];
    expect(said([...listed.slice(0, 3), silent('http://elsewhere', 'm4')])).toEqual(unnamed);
    expect(said([...listed.slice(0, 3), silent('http://m4:2379', 'etcd-4')])).toEqual(unnamed);
    // Known by another address than the cluster advertises: it may well be that one.
    expect(said([...listed.slice(0, 4), silent('http://10.0.0.5:2379', 'etcd-4')])).toEqual([]);
  });

  test('with one that has never started is a warning', () => {
    const ghost = { id: 'abc', name: '', clientUrls: [], isLearner: false };
    const haunted = changed(listed, (each) =>
      each.poll.kind === 'known'
        ? withFacts(each, { members: [...each.poll.status.members, ghost] })
        : each,
    );
    expect(said(haunted)).toContain('warning abc: was added to the cluster and has never started');
  });

  test('with a learner is a note, and a warning when clients are sent there', () => {
    const withLearner = changed(listed, (each) =>
      each.poll.kind === 'known'
        ? withFacts(each, {
            members: each.poll.status.members.map((member) => ({
              ...member,
              isLearner: member.id === '4',
            })),
          })
        : each,
    );
    expect(said(withLearner)).toContain('warning m4: a learner');
    expect(said(withLearner.slice(0, 4))).toContain('note m4: a learner');
    expect(said(withLearner.slice(0, 4)).filter((each) => /not in --endpoints/.test(each))).toEqual(
      [],
    );
  });
});

describe('versions', () => {
  const with_ = (...versions: string[]) =>
    said(
      changed(cluster(versions.length), (each, index) =>
        withFacts(each, { version: versions[index] ?? '' }),
      ),
    );

  test('that differ in the patch are a note, in more a warning', () => {
    expect(with_('3.5.16', '3.5.16', '3.5.9')).toEqual([
      'note cluster: more than one version of etcd: 3.5.9, 3.5.16',
    ]);
    expect(with_('3.5.16', '3.4.23', '3.5.16')).toEqual([
      'warning cluster: more than one version of etcd: 3.4.23, 3.5.16',
    ]);
  });
});
