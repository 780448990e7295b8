/** Headlines about the balancer itself, what else is said beside one, and what helps. */
import { expect, test } from 'vitest';
import type { CertificateReport } from '../../../src/observe/balancer-report.ts';
import { alsoWrong, headlineOf } from '../../../src/page/browser/cluster/headline.ts';
import type { Headline } from '../../../src/page/browser/cluster/help.ts';
import type { ClusterReport, StatusUpdate } from '../../../src/page/browser/wire.ts';
import type { RejectReason } from '../../../src/proxy/client-totals.ts';
import { failedMember, m0Held, memberNamed, updateWith } from './updates.ts';

const oneLess = { healthyVoters: 2, tolerance: 0 };
const with1 = (member: ReturnType<typeof memberNamed>) =>
  updateWith().members.map((each) => (each.name === 'm1' ? member : each));
const at = Date.parse('2026-11-22T20:42:00.000Z');
const ago = (seconds: number): string => new Date(at - seconds * 1_000).toISOString();
const rejectedFor = (reason: RejectReason, seconds: number) => ({
  rejectedClients: { [reason]: { clients: 1, lastAt: ago(seconds) } },
});
const full = { sessions: 3, waitingClients: 1, maxConnections: 4 };
const last = { at: ago(300), result: 'refused', why: 'endpoints: nothing; write one.' } as const;
const refused = { reload: { succeededAt: ago(900), last } };
const certificate = (days: number): CertificateReport => ({
  ...{ name: 'tls-cert', path: '/etc/etcd-lb/a b.crt', daysLeft: days },
  notAfter: new Date(at + days * 24 * 3_600_000).toISOString(),
});
const nearly = memberNamed('m1');
const filled = {
  ...nearly,
  ...(nearly.etcd && { etcd: { ...nearly.etcd, dbSize: 81, dbQuota: 100 } }),
};

test.each<[string, Partial<Omit<StatusUpdate, 'cluster'>>, Partial<Headline>]>([
  [
    'turns clients away',
    { ...rejectedFor('limit', 2), ...full },
    {
      ...{ tone: 'bad', word: 'Turning clients away' },
      sentence: 'Clients get no connection: max-connections is reached.',
      help: [{ what: 'See who is connected', text: 'etcd-lb sessions' }],
    },
  ],
  [
    'refused a reload',
    refused,
    {
      ...{ tone: 'warn', word: 'Reload refused' },
      sentence: 'The previous settings stay in use. endpoints: nothing; write one.',
      help: [{ what: 'When that is corrected', text: 'etcd-lb reload' }],
    },
  ],
  [
    'has a certificate that ends within a week',
    { certificates: [certificate(89), certificate(6)] },
    {
      ...{ tone: 'warn', word: 'Certificate ends soon' },
      sentence:
        'The certificate of --tls-cert (/etc/etcd-lb/a b.crt) ends on 2026-11-28. Put a new one in its place: it is used without a reload.',
      help: [
        {
          what: 'Look at it',
          text: "openssl x509 -noout -text -in '/etc/etcd-lb/a b.crt'",
        },
      ],
    },
  ],
  [
    'has a certificate that has expired',
    { certificates: [certificate(-1)] },
    { tone: 'bad', word: 'Certificate expired' },
  ],
  [
    'sees a database that is nearly full',
    { members: with1(filled), configFile: '/etc/etcd-lb/etcd-lb.yaml' },
    {
      ...{ tone: 'warn', word: 'Database nearly full' },
      help: [
        { what: 'Defragment, step by step', text: 'docs/recipes.md' },
        {
          what: 'Look for causes',
          text: 'etcd-lb check --config /etc/etcd-lb/etcd-lb.yaml',
        },
      ],
    },
  ],
])('is not healthy where it %s', (_, change, headline) => {
  expect(headlineOf(updateWith(change))).toMatchObject(headline);
});

test.each([
  [false, 'Paused by an operator: clients wait. Nobody gets a member.'],
  [true, 'Paused by an operator: clients are refused. Nobody gets a member.'],
])('is paused, whatever else is wrong; refused: %s', (refuse, sentence) => {
  const paused = { refuse, since: ago(60) };
  expect(headlineOf(updateWith({ paused, mode: 'panic' }))).toEqual({
    ...{ tone: 'warn', word: 'Paused', sentence },
    help: [{ what: 'Serve clients again', text: 'etcd-lb resume' }],
  });
});

test('another cluster in place of the known one is said, also beside a pause', () => {
  const replaced = { id: 'c2', was: 'c1' };
  expect(headlineOf(updateWith({}, { replaced }))).toMatchObject({
    ...{ tone: 'bad', word: 'Another cluster' },
    sentence:
      'The cluster is another one: id c2 in place of c1. Nobody gets a member until it is accepted; clients wait.',
    help: [{ text: 'etcd-lb resume --accept-cluster c2' }],
  });
  const paused = { refuse: false, since: ago(60) };
  expect(alsoWrong(updateWith({ paused }, { replaced }))).toEqual(['Another cluster']);
});

test.each<[string, RejectReason, number, Partial<StatusUpdate>, boolean]>([
  ['at the limit, until the last client has surely come back', 'limit', 149, full, true],
  ['no longer than that', 'limit', 150, full, false],
  ['below the limit for a moment', 'limit', 9, {}, true],
  ['not where there is room again', 'limit', 10, {}, false],
  ['of one address', 'source-limit', 149, {}, true],
  ['without descriptors', 'accept-failed', 149, {}, true],
  ['without a member, for a moment', 'no-member', 9, {}, true],
  ['not where the next may find one', 'no-member', 10, {}, false],
  ['not those that say nothing', 'silent', 0, full, false],
  ['nor those that ask for nothing', 'no-request', 0, full, false],
])('turns clients away: %s', (_, reason, seconds, change, isTurning) => {
  const { word } = headlineOf(updateWith({ ...change, ...rejectedFor(reason, seconds) }));
  expect(word).toBe(isTurning ? 'Turning clients away' : 'Healthy');
});

test('a week is seven days', () => {
  const word = (days: number) => headlineOf(updateWith({ certificates: [certificate(days)] })).word;
  expect([7, 6, 0, -1].map(word)).toEqual([
    ...['Healthy', 'Certificate ends soon', 'Certificate ends soon', 'Certificate expired'],
  ]);
});

test('what is wrong beside the headline is named, and a member that failed comes first', () => {
  const all = { ...rejectedFor('limit', 2), ...full, ...refused, certificates: [certificate(3)] };
  const failed = { ...refused, members: with1(failedMember('m1')) };
  const said = (change: Partial<Omit<StatusUpdate, 'cluster'>>, cluster = {}) => [
    headlineOf(updateWith(change, cluster)).word,
    ...alsoWrong(updateWith(change, cluster)),
  ];
  expect(said(all)).toEqual(['Turning clients away', 'Reload refused', 'Certificate ends soon']);
  expect(said(failed, oneLess)).toEqual(['At risk', 'Reload refused']);
  expect(said({})).toEqual(['Healthy']);
  expect(said({ ...all, stopping: true })).toEqual(['Stopping']);
});

test.each<[Partial<Omit<StatusUpdate, 'cluster'>>, Partial<ClusterReport>, string[]]>([
  [
    { members: with1(failedMember('m1')) },
    oneLess,
    ['etcd-lb events --member m1', 'etcd-lb check'],
  ],
  [
    { members: [failedMember("m'1;ls")] },
    oneLess,
    [`etcd-lb events --member 'm'\\''1;ls'`, 'etcd-lb check'],
  ],
  [{ mode: 'panic' }, {}, ['etcd-lb check', 'etcd-lb events']],
  [{}, { leader: undefined as never }, ['etcd-lb check']],
  [
    {},
    { alarms: [{ kind: 'NOSPACE', memberId: '1', member: 'm2' }] },
    ['docs/recipes.md', 'etcd-lb check'],
  ],
  [{ members: with1(memberNamed('m1', { drain: { since: '' } })) }, {}, ['etcd-lb undrain m1']],
  [{ hold: { limitMs: 4_000, current: m0Held } }, {}, ['etcd-lb events --member m0']],
  [{}, {}, []],
])('each headline names what helps, %#', (change, cluster, texts) => {
  const { help = [] } = headlineOf(updateWith(change, cluster));
  expect(help.map(({ text }) => text)).toEqual(texts);
});
