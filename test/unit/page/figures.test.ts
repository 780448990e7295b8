/** How the page makes words and figures of what it is sent. */
import { describe, expect, test } from 'vitest';
import { lagOf } from '../../../src/observe/lag.ts';
import { factsOf } from '../../../src/page/browser/cluster/facts.ts';
import { ownFactsOf } from '../../../src/page/browser/cluster/own-facts.ts';
import { flat } from '../../../src/page/browser/events/event-fields.ts';
import {
  bytes,
  count,
  inWords,
  listed,
  milliseconds,
} from '../../../src/page/browser/lib/amounts.ts';
import { ago, clock, duration, tenths } from '../../../src/page/browser/lib/time.ts';
import {
  conditionOf,
  holdOf,
  lagInWords,
  reasonsOf,
} from '../../../src/page/browser/members/condition.ts';
import {
  extended,
  inWords as latencyInWords,
  top,
} from '../../../src/page/browser/members/latency.ts';
import { Rates } from '../../../src/page/browser/members/rates.ts';
import { sharesOf } from '../../../src/page/browser/members/spread.ts';
import type { MemberReport } from '../../../src/page/browser/wire.ts';
import { failedMember, m0Held, m0Moved, memberNamed, updateWith } from './updates.ts';

describe('amounts', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [20_480, '20.5 kB'],
    [99_950, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [123_456_789, '123 MB'],
    [8e9, '8.0 GB'],
    [5e15, '5000 TB'],
  ])('%d bytes are %s', (number, text) => {
    expect(bytes(number)).toBe(text);
  });

  test('times, names and numbers', () => {
    expect([0.04, 9.96, 12.4, 999, 1_500].map(milliseconds)).toEqual([
      ...['0.0 ms', '10 ms', '12 ms', '999 ms', '1.5 s'],
    ]);
    expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(listed)).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ]);
    expect([0, 1, 6, 7].map(inWords)).toEqual(['no', 'one', 'six', '7']);
    expect([count(1, 'session'), count(12_345, 'session')]).toEqual([
      '1 session',
      '12,345 sessions',
    ]);
  });
});

describe('times', () => {
  test.each([
    [-5, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [100 * 3_600_000, '4 d 4 h'],
  ])('%d ms are %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test('what is over within seconds, by tenths', () => {
    expect([-5, 0, 849, 1_000, 75_000].map(tenths)).toEqual([
      ...['0.0 s', '0.0 s', '0.8 s', '1.0 s', '75.0 s'],
    ]);
  });

  test('since when', () => {
    expect([-1, 999, 1_000].map(ago)).toEqual(['now', 'now', '1 s ago']);
  });

  test('on the clock, with the day when it was another', () => {
    const at = new Date(2026, 10, 22, 20, 42, 6, 950);
    expect(clock(at, new Date(2026, 10, 22, 23))).toBe('20:42:06.9');
    expect(clock(at, new Date(2026, 10, 23, 1))).toBe('22 Nov 20:42:06.9');
  });
});

describe('rates', () => {
  test('are of the last five seconds', () => {
    const rates = new Rates();
    expect(rates.take(0, [0, 0])).toBeUndefined();
    expect(rates.take(1_000, [100, 0])).toEqual([100, 0]);
    for (let second = 2; second <= 6; second += 1) rates.take(second * 1_000, [100, second * 10]);
    expect(rates.take(7_000, [100, 70])).toEqual([0, 10]);
  });

  test('begin again with counters that did, and with a clock that was put back', () => {
    const rates = new Rates();
    rates.take(0, [500]);
    expect(rates.take(1_000, [0])).toBeUndefined();
    expect(rates.take(2_000, [10])).toEqual([10]);
    expect(rates.take(500, [20])).toBeUndefined();
  });

  test('are not made of two looks at one moment', () => {
    const rates = new Rates();
    rates.take(1_000, [0]);
    expect(rates.take(1_000, [10])).toBeUndefined();
  });
});

describe('the condition of a member', () => {
  const drain = { since: '2026-11-22T20:41:00.000Z' };
  const now = Date.parse('2026-11-22T20:42:00.000Z');
  const learner = { reason: 'learner', detail: 'it is a learner' } as const;
  const lagging = { reason: 'lagging', detail: 'it is 9 entries behind' } as const;

  test.each<[string, MemberReport, string, readonly string[]]>([
    ['healthy', memberNamed('m0'), 'ok', []],
    ['failed', failedMember('m0'), 'bad', ['2 checks failed: timed out after 700 ms.']],
    ['learner', memberNamed('m0', { unfit: learner }), 'note', ['Not used: it is a learner.']],
    [
      'not used',
      memberNamed('m0', { unfit: lagging }),
      'warn',
      ['Not used: it is 9 entries behind.'],
    ],
    [
      'drained',
      memberNamed('m0', { drain, sessions: 3 }),
      'note',
      ['Drained by an operator; 3 sessions left to move.'],
    ],
    [
      'drained',
      memberNamed('m0', { drain }),
      'note',
      ['Drained by an operator; no session is left.'],
    ],
    [
      'failed',
      { ...failedMember('m0'), drain, unknown: 'refused' },
      'bad',
      ['2 checks failed: timed out after 700 ms.', 'Drained by an operator; no session is left.'],
    ],
    [
      'healthy',
      memberNamed('m0', { unknown: 'refused' }),
      'ok',
      ['Its status is not known: refused.'],
    ],
  ])('%s', (word, member, tone, reasons) => {
    expect(conditionOf(member)).toMatchObject({ word, tone });
    expect(reasonsOf(member, now)).toEqual(reasons);
  });

  test('how long the sessions of a drained member have to leave', () => {
    const until = '2026-11-22T20:47:00.000Z';
    const member = memberNamed('m0', { drain: { ...drain, until }, sessions: 2 });
    expect(reasonsOf(member, now)).toEqual([
      'Drained by an operator; 2 sessions left to move within 5 min.',
    ]);
  });

  test('since when it is so', () => {
    const since = '2026-11-22T20:40:00.000Z';
    expect(conditionOf(memberNamed('m0')).since).toBe(since);
    expect(conditionOf(failedMember('m0')).since).toBe(since);
    expect(conditionOf(memberNamed('m0', { drain })).since).toBe(drain.since);
  });

  test('a leader that is lost says for how long clients are held, and so does one that is moved', () => {
    const [m0] = updateWith().members;
    if (m0 === undefined) throw new Error('no m0');
    expect(conditionOf(m0, m0Held)).toEqual({ tone: 'warn', icon: 'warn', word: 'lost' });
    expect(reasonsOf(m0, now, m0Held)).toEqual([
      'Holding for 0.8 s: m0, the leader, does not answer.',
    ]);
    expect(conditionOf(m0, m0Moved)).toMatchObject({ tone: 'note', word: 'handing over' });
    // What its checks have found by then is told as always.
    expect(conditionOf(failedMember('m0'), m0Held)).toMatchObject({ tone: 'bad', word: 'failed' });
    expect(reasonsOf(failedMember('m0'), now + 1_000, m0Held)).toEqual([
      'Holding for 1.8 s: m0, the leader, does not answer.',
      '2 checks failed: timed out after 700 ms.',
    ]);
  });

  test('a hold is told of its leader alone', () => {
    const status = updateWith({ hold: { limitMs: 4_000, current: m0Held } });
    expect(status.members.map((member) => holdOf(member, status))).toEqual([
      ...[m0Held, undefined, undefined],
    ]);
  });

  test.each([
    ['dial failed: refused', 'Dial failed: refused.'],
    ['the leader does not answer', 'The leader does not answer.'],
  ])('evidence that is not from a probe is a sentence of its own: %s', (detail, sentence) => {
    const evidence = { reason: 'refused', detail, failedChecks: 0, since: '' } as const;
    const [why] = reasonsOf(memberNamed('m0', { state: 'suspect', evidence }), now);
    expect(why).toBe(sentence);
  });

  test('its lag is that behind the leader, as of when both were asked', () => {
    const etcd = (memberId: string, appliedIndex: number, second: number) => ({
      ...{
        clusterId: 'c',
        memberId,
        version: '3.5.16',
        leaderId: 'a',
        term: 1,
        revision: 1,
        duration: 1,
      },
      ...{ raftIndex: 0, appliedIndex, dbSize: 0, dbSizeInUse: 0, isLearner: false },
      at: new Date(second * 1_000).toISOString(),
    });
    const leader = memberNamed('m0', { etcd: etcd('a', 100, 5) });
    const late = memberNamed('m1', { etcd: etcd('b', 90, 6) });
    const before = memberNamed('m2', { etcd: etcd('c', 80, 4) });
    const silent = memberNamed('m3', { etcd: etcd('d', 1, 6), unknown: 'refused' });
    const members = [leader, late, before, silent];
    expect(members.map((each) => lagOf(each, members))).toEqual([0, 10, 0, undefined]);
    expect(lagOf(late, [late])).toBeUndefined();
    expect([0, 1, 2_000].map(lagInWords)).toEqual(['none', '1 entry', '2,000 entries']);
  });
});

describe('the cluster at a glance', () => {
  const now = Date.parse('2026-11-22T20:42:00.000Z');
  const marked = (...status: Parameters<typeof updateWith>) =>
    [...factsOf(updateWith(...status)), ...ownFactsOf(updateWith(...status))].flatMap(
      ({ label, value, tone }) => (tone ? [[label, value, tone]] : []),
    );

  test('marks nothing that is as it should be', () => {
    expect(marked()).toEqual([]);
    expect(factsOf(updateWith()).map(({ value }) => value)).toEqual([
      ...['3 of 3', 'one', 'm0', 'none', '3.5.16', '20.5 kB'],
    ]);
    expect(ownFactsOf(updateWith()).map(({ value, more }) => `${value}, ${more}`)).toEqual([
      'normal, healthy members',
      '0, of 10,000 at most',
      'none, since the start',
      'none, since the start',
      'none, are used',
      'none, since the start',
    ]);
  });

  test('marks what is not', () => {
    const alarms = [{ kind: 'NOSPACE', memberId: '1', member: 'm2' }];
    const versions = ['3.4.23', '3.5.16'];
    expect(
      marked({ waitingClients: 2 }, { healthyVoters: 2, tolerance: 0, alarms, versions }),
    ).toEqual([
      ['Healthy voters', '2 of 3', 'warn'],
      ['May still fail', 'none', 'warn'],
      ['Alarms', 'NOSPACE (m2)', 'bad'],
      ['etcd', '3.4.23, 3.5.16', 'warn'],
      ['Sessions', '0', 'warn'],
    ]);
    expect(
      marked({ mode: 'panic' }, { healthyVoters: 0, tolerance: 0, leader: undefined as never }),
    ).toEqual([
      ['Healthy voters', '0 of 3', 'bad'],
      ['May still fail', 'none', 'warn'],
      ['Leader', 'none', 'bad'],
      ['Mode', 'panic', 'bad'],
    ]);
  });

  test('says of a leader that nobody confirms that it is old', () => {
    const members = updateWith().members.map((each) => ({ ...each, unknown: 'refused' }));
    expect(marked({ members })).toEqual([['Leader', 'm0', 'warn']]);
    const { more } = factsOf(updateWith({ members })).find(({ label }) => label === 'Leader') ?? {};
    expect(more).toBe('term 7, as last heard');
  });

  test('marks a leader that is lost, and is no louder than that', () => {
    const hold = { limitMs: 4_000, current: m0Held };
    expect(marked({ hold })).toEqual([['Leader', 'm0', 'warn']]);
    expect(marked({ hold }, { leader: undefined as never })).toEqual([['Leader', 'none', 'warn']]);
    expect(marked({ hold: { ...hold, current: m0Moved } })).toEqual([['Leader', 'm0', 'note']]);
    const { more } = factsOf(updateWith({ hold })).find(({ label }) => label === 'Leader') ?? {};
    expect(more).toBe('term 7, clients are held');
  });

  test('marks the database that is the fullest of those that are known now', () => {
    const withQuota = (name: string, dbSize: number, change: Partial<MemberReport> = {}) => {
      const { etcd, ...rest } = memberNamed(name, change);
      return { ...rest, ...(etcd && { etcd: { ...etcd, dbSize, dbQuota: 100_000 } }) };
    };
    const fullest = (...members: readonly MemberReport[]) =>
      factsOf(updateWith({ members })).find(({ label }) => label === 'Database');
    const well = withQuota('m0', 79_000);
    expect(fullest(well, memberNamed('m1'))).toEqual({
      ...{ label: 'Database', value: '79 %', more: 'of the quota of m0', tone: undefined },
    });
    expect(fullest(well, withQuota('m1', 80_000))).toMatchObject({
      value: '80 %',
      tone: 'warn',
    });
    expect(fullest(well, withQuota('m1', 95_000))).toMatchObject({
      value: '95 %',
      tone: 'bad',
    });
    expect(fullest(well, withQuota('m1', 95_000, { unknown: 'refused' }))?.value).toBe('79 %');
    expect(fullest(memberNamed('m0'))).toMatchObject({
      ...{ value: '20.5 kB', more: 'm0, quota not known' },
    });
    expect(fullest(memberNamed('m0', { etcd: undefined }))?.value).toBe('–');
  });

  test('marks what is wrong with the balancer itself', () => {
    const rejectedClients = {
      silent: { clients: 3, lastAt: '2026-11-22T20:41:00.000Z' },
      limit: { clients: 2, lastAt: '2026-11-22T20:41:58.000Z' },
    };
    const [soon, later] = [3, 300].map((daysLeft) => ({
      ...({ name: 'tls-cert', path: '/a.crt', daysLeft } as const),
      notAfter: new Date(now + (daysLeft + 0.5) * 24 * 3_600_000).toISOString(),
    }));
    const certificates = [later, soon].filter((each) => each !== undefined);
    const last = { at: '2026-11-22T20:37:00.000Z', result: 'refused', why: 'No.' } as const;
    const reload = { succeededAt: '2026-11-22T20:00:00.000Z', last };
    const status = {
      ...{ rejectedClients, certificates, reload, failovers: 1_234 },
      ...{ sessions: 1, waitingClients: 0, maxConnections: 1 },
    };
    expect(marked(status)).toEqual([
      ['Sessions', '1', 'warn'],
      ['Turned away', '5', 'bad'],
      ['Certificates', '3 d 12 h', 'warn'],
      ['Last reload', 'refused', 'warn'],
    ]);
    const shown = ownFactsOf(updateWith(status));
    expect(shown.map(({ more }) => more)).toEqual([
      'healthy members',
      'of 1 at most',
      'limit, 2 s ago',
      'since the start',
      'left of --tls-cert',
      '5 min ago',
    ]);
    const expired = { ...later, notAfter: '2026-11-22T20:00:00.000Z', daysLeft: -1 } as const;
    expect(marked({ certificates: [expired as never] })).toEqual([
      ['Certificates', 'expired', 'bad'],
    ]);
    // What clients do wrong, and what is over, is told and no warning.
    expect(marked({ rejectedClients })).toEqual([['Turned away', '5', 'bad']]);
    expect(marked({ rejectedClients: { silent: rejectedClients.silent } })).toEqual([]);
    expect(marked({ reload: { ...reload, last: { ...last, result: 'applied' } } })).toEqual([]);
  });

  test('claims nothing of a cluster that says nothing', () => {
    expect(marked({}, { voters: [], leader: undefined as never })).toEqual([]);
  });
});

test('sessions are shared out among members, and those that leave', () => {
  const members = [
    memberNamed('m0', { sessions: 6 }),
    memberNamed('m1', { sessions: 0, acceptsNew: false }),
  ];
  const shares = sharesOf(updateWith({ members, leaving: [{ name: 'm9', sessions: 2 }] }));
  expect(shares).toEqual([
    { name: 'm0', sessions: 6, share: 0.75, length: 1, remark: undefined },
    { name: 'm1', sessions: 0, share: 0, length: 0, remark: 'takes no new ones' },
    { name: 'm9', sessions: 2, share: 0.25, length: 1 / 3, remark: 'is leaving the cluster' },
  ]);
  expect(sharesOf(updateWith()).map(({ share, length }) => share + length)).toEqual([0, 0, 0]);
});

describe('latency', () => {
  const check = (at: number, length: number, ok = true) => ({ at, duration: length, ok });

  test('in words, for who does not see the plot', () => {
    expect(latencyInWords([])).toBe('no check has finished yet');
    expect(latencyInWords([check(1, 4), check(2, 1), check(3, 700, false)])).toBe(
      'last failed after 700 ms, median 4.0 ms, highest 700 ms; 1 of the last 3 checks failed',
    );
    expect(latencyInWords([check(1, 4)])).toBe(
      'last 4.0 ms, median 4.0 ms, highest 4.0 ms; none of the last 1 checks failed',
    );
  });

  test('takes in what is newer, up to as many as are kept', () => {
    const known = [check(1, 1), check(2, 2)];
    expect(extended(known, [check(1, 1), check(2, 2)])).toBe(known);
    expect(extended(known, [check(2, 2), check(3, 3)]).map(({ at }) => at)).toEqual([1, 2, 3]);
    const many = Array.from({ length: 200 }, (_, n) => check(n + 3, 1));
    expect(extended(known, many)).toHaveLength(120);
  });

  test('has a round bound', () => {
    expect([0, 5, 5.1, 700, 90_000].map(top)).toEqual([5, 5, 10, 1_000, 90_000]);
  });
});

describe('evidence', () => {
  test('is any fields, as text', () => {
    const fields = {
      member: 'm1',
      evidence: { detail: 'refused', since: undefined },
      loads: [1, 2],
      ok: false,
      none: [],
    };
    expect(flat(fields)).toEqual([
      ['member', 'm1'],
      ['evidence.detail', 'refused'],
      ['loads', '1, 2'],
      ['ok', 'false'],
    ]);
  });
});
