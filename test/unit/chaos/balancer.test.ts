/** What the balancer's own log and figures must add up to. */
import { expect, test } from 'vitest';
import {
  bytesOf,
  cuts,
  type Line,
  sessionsOf,
  sums,
  unexplained,
} from '../../chaos/check/balancer.ts';
import type { SocketRecord } from '../../chaos/clients/record.ts';

const line = (fields: object): Line =>
  ({ process: 0, at: 1_000, level: 'debug', msg: '', ...fields }) as Line;
const opened = (session: number, port: number) =>
  line({ msg: 'session opened', session, client: `127.0.0.1:${port}`, member: 'm1' });
const ended = (session: number, client: number, member: number) =>
  line({
    ...{ msg: 'session ended', at: 2_000, session, member: 'm1' },
    ...{ reason: 'client-closed', bytes: { client, member } },
  });
const log = [opened(1, 4_001), opened(2, 4_002), ended(1, 10, 20), ended(2, 30, 40)];
const metrics = ({ open = 0, started = 2, over = 2, bytes = 100 } = {}) => `
etcd_lb_sessions{member="m1"} ${open}
etcd_lb_sessions_opened_total{member="m1"} ${started}
etcd_lb_sessions_closed_total{member="m1",reason="client-closed"} ${over}
etcd_lb_bytes_total{member="m1",direction="in"} ${bytes - 60}
etcd_lb_bytes_total{member="m1",direction="out"} 60
`;

test('sessions are told apart by process, and last until they end', () => {
  const sessions = sessionsOf([opened(1, 4_001), { ...ended(1, 1, 1), process: 1 }]);
  expect(sessions).toMatchObject([{ port: 4_001, member: 'm1', from: 1_000, until: Infinity }]);
  expect(sessionsOf(log)[0]).toMatchObject({ until: 2_000, bytes: { client: 10, member: 20 } });
});

test.each<[string, string, string[]]>([
  ['all is well', metrics(), []],
  ['one is open', metrics({ open: 1, over: 1 }), ['m1: 1 sessions are open without clients']],
  ['one was never ended', metrics({ over: 1 }), ['m1: 2 sessions opened, 1 ended and 0 open']],
  [
    'one is not in the log',
    metrics({ started: 3, over: 3 }),
    ['m1: 3 sessions opened, 2 by the log'],
  ],
  [
    'bytes are missing',
    metrics({ bytes: 99 }),
    ['m1: 99 bytes relayed, 100 by the sessions in the log'],
  ],
])('figures: %s', (_, text, expected) => {
  expect(sums(text, log).map(({ what }) => what)).toEqual(expected);
});

test('of a member that has come or gone there is only a part', () => {
  const left = line({ event: 'member-left', member: 'm1' });
  expect(sums(metrics({ bytes: 99 }), [...log, left])).toEqual([]);
});

test.each<[string, boolean, number, number, number]>([
  ['the same bytes', false, 10, 20, 0],
  ['a byte less than was said', false, 11, 20, 1],
  ['a byte more than was heard', false, 10, 19, 1],
  ['GOAWAY and PING of the balancer', false, 10, 54, 0],
  ['the end of TLS unread', true, 10, 19, 0],
  ['more than that unread', true, 10, -20, 1],
  ['bytes of nobody', true, 10, 21, 1],
])('bytes of a client and of its session: %s', (_, isSecure, sent, received, findings) => {
  const socket: SocketRecord = {
    ...{ kind: 'socket', client: 'register 0', port: 4_001, opened: 900 },
    ...{ sent, received, inOrder: true },
  };
  expect(bytesOf([socket], sessionsOf(log), isSecure)).toHaveLength(findings);
  expect(bytesOf([{ ...socket, inOrder: false }], sessionsOf(log), isSecure)).toEqual([]);
});

test('bytes of what was cut short are not compared', () => {
  const [begun, , over] = log;
  if (begun === undefined || over === undefined) throw new Error('no log');
  const socket: SocketRecord = {
    ...{ kind: 'socket', client: 'register 0', port: 4_001, opened: 900 },
    ...{ sent: 11, received: 20, inOrder: true },
  };
  expect(bytesOf([socket], sessionsOf([begun, over]), false)).toHaveLength(1);
  const cut = { ...over, reason: 'member-reset' };
  expect(bytesOf([socket], sessionsOf([begun, cut]), false)).toEqual([]);
});

test('a port that is used again is that of the session of that time', () => {
  const later = [
    { ...opened(3, 4_001), at: 3_000 },
    { ...ended(3, 50, 60), at: 4_000 },
  ];
  const socket: SocketRecord = {
    ...{ kind: 'socket', client: 'short 0', port: 4_001, opened: 2_999.5 },
    ...{ sent: 50, received: 60, inOrder: true },
  };
  expect(bytesOf([socket], sessionsOf([...log, ...later]), false)).toEqual([]);
});

test('whoever has to leave is not cut', () => {
  const over = (event: string, cut: number) => line({ event, cut, msg: event });
  expect(cuts([over('drain-ended', 0), over('stopped', 0)])).toEqual([]);
  expect(cuts([over('drain-ended', 2), over('stopped', 1)])).toHaveLength(2);
});

test('an error in the log is explained by a fault of its kind, and by no other', () => {
  const panic = line({ level: 'error', event: 'mode-changed', msg: 'no member is healthy' });
  const unexpected = line({ level: 'error', event: 'unexpected-error', msg: 'oops' });
  const by = (faults: readonly ('stop' | 'rebalance')[], wasLeaderless = false) =>
    unexplained([panic, unexpected], { faults: new Set(faults), wasLeaderless }).map(
      ({ what }) => what.split(': ')[1],
    );
  expect(by(['rebalance'])).toEqual(['mode-changed', 'unexpected-error']);
  expect(by(['stop'])).toEqual(['unexpected-error']);
  expect(by(['rebalance'], true)).toEqual(['unexpected-error']);
});
