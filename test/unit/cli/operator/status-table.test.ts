/** What `etcd-lb status` says. */
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { statusTable } from '../../../../src/cli/operator/status-table.ts';
import type { Status } from '../../../../src/observe/status.ts';
import { failedMember, memberNamed, updateWith } from '../../page/updates.ts';

const now = Date.parse('2026-11-22T20:42:00.000Z');
const current = {
  leader: 'm1',
  cause: 'unresponsive',
  why: 'm1, the leader, does not answer',
  since: '2026-11-22T20:41:59.180Z',
  forMs: 820,
} as const;
const last = {
  leader: 'm1',
  cause: 'unresponsive',
  end: 'elected',
  successor: 'm2',
  at: '2026-11-22T20:40:00.000Z',
  durationMs: 1_321,
} as const;

/** Lines, without colours. */
function table(hold: Status['hold']): string[] {
  const status: Status = { ...updateWith({ hold }), events: [] };
  const text = statusTable({ status, at: 500 }, { status, at: 0 }, now);
  return stripVTControlCharacters(text).split('\n');
}

test('a hold that lasts stands below the summary', () => {
  const [summary, cluster, held, empty, heads] = table({ limitMs: 4_000, current });
  expect(summary).toMatch(/^etcd-lb 1\.2\.3 cp1 \(host node-1\) on /);
  expect(cluster).toMatch(/^\* m0 leads, term 7 · 3 of 3 voters healthy/);
  expect(held).toBe('holding for 0.8 s: m1, the leader, does not answer');
  expect([empty, heads]).toEqual(['', expect.stringMatching(/^MEMBER /)]);
});

test('the last one is told for ten minutes, below the members', () => {
  expect(table({ limitMs: 4_000, last }).at(-1)).toBe('last hold 1 min ago, for 1.3 s: m2 leads');
  const old = { ...last, at: '2026-11-22T20:31:58.000Z' };
  expect(table({ limitMs: 4_000, last: old })).toEqual(table({ limitMs: 4_000 }));
});

test('without any there is no line of it', () => {
  expect(table({ limitMs: 4_000 }).join('\n')).not.toContain('hold');
});

/** The whole text without colours. */
function textOf(change: Parameters<typeof updateWith>[0], earlier = change): string[] {
  const [status, before] = [change, earlier].map((each) => ({ ...updateWith(each), events: [] }));
  if (status === undefined || before === undefined) throw new Error('no status');
  const text = statusTable({ status, at: 1_000 }, { status: before, at: 0 }, now);
  return stripVTControlCharacters(text).split('\n');
}

test('the balancer, the cluster and each member have a line that fits the terminal', () => {
  const used = memberNamed('m0', { sessions: 12, bytesFromMember: 1_500_000 });
  const m0 = { ...used, ...(used.etcd && { etcd: { ...used.etcd, dbSize: 9e6, dbQuota: 1e7 } }) };
  const lastCheck = { at: '', ok: true, durationMs: 1.3 };
  const gone = { ...failedMember('m1'), unknown: 'refused', bytesFromMember: 900_000 };
  const lines = textOf(
    { members: [{ ...m0, lastCheck }, gone], sessions: 12 },
    { members: [memberNamed('m0'), failedMember('m1')] },
  );
  expect(lines).toEqual([
    'etcd-lb 1.2.3 cp1 (host node-1) on 127.0.0.1:2379 · normal · 12 of 10000 sessions · up 2 min',
    '* m0 leads, term 7 · 3 of 3 voters healthy, quorum 2, 1 may fail',
    '',
    'MEMBER  ADDRESS          STATE    VERSION  SESSIONS  CALLS/S  TRAFFIC   CHECK   DB          LAG',
    'm0 *    m0.example:2379  healthy  3.5.16   12        -        1.5 MB/s  1.3 ms  9 MB, 90 %  0',
    // Neither its traffic of a moment ago nor what it last said is of now.
    'm1      m1.example:2379  failed   3.5.16   0         -        -         -       -           -',
    '',
    'm0: nothing has happened',
    'm1: failed for 2 min: timed out after 700 ms',
  ]);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
});

test('a name that is that of the host stands once', () => {
  expect(textOf({ host: 'cp1' })[0]).toMatch(/^etcd-lb 1\.2\.3 cp1 on /);
});

test('what is wrong with the balancer stands below the cluster', () => {
  const last = { at: '2026-11-22T20:37:00.000Z', result: 'refused', why: 'No.' } as const;
  const certificate = (daysLeft: number, notAfter: string) =>
    ({ name: 'tls-cert', path: '/a.crt', daysLeft, notAfter }) as const;
  const lines = textOf({
    ...{ sessions: 4, maxConnections: 4, reload: { succeededAt: '', last } },
    rejectedClients: {
      limit: { clients: 7, lastAt: '2026-11-22T20:41:58.000Z' },
      silent: { clients: 9, lastAt: '2026-11-22T20:41:59.000Z' },
    },
    certificates: [
      certificate(-1, '2026-11-22T19:42:00.000Z'),
      certificate(3, '2026-11-26T08:42:00.000Z'),
      certificate(90, '2027-02-20T08:42:00.000Z'),
    ],
  });
  expect(lines.slice(2, 7)).toEqual([
    'clients are turned away: max-connections is reached (7 so far, the last 2 s ago)',
    'reload refused 5 min ago: No.',
    'certificate --tls-cert expired 1 h ago: /a.crt',
    'certificate --tls-cert ends in 3 d 12 h: /a.crt',
    '',
  ]);
});
