/** Which failed calls have an excuse: by where they were, when, and what they say. */
import { expect, test } from 'vitest';
import { type Circumstances, judge, withoutExcuse } from '../../chaos/check/excuses.ts';
import type { CallRecord, SocketRecord } from '../../chaos/clients/record.ts';
import type { Hit } from '../../chaos/scene/hit.ts';

const call = (over: Partial<CallRecord> = {}): CallRecord => ({
  ...{ kind: 'call', client: 'register 0', op: 'put', key: 'k', value: 'v' },
  ...{ begun: 1_000, ended: 1_500, error: '14 UNAVAILABLE: dropped', shortLived: false },
  ...over,
});
const hit = (over: Partial<Hit> = {}): Hit => ({
  ...{ what: 'm1 was killed', from: 1_200, until: 1_300, reach: { member: 'm1' } },
  ...over,
});
const socket: SocketRecord = {
  ...{ kind: 'socket', client: 'register 0', port: 4_000, opened: 0 },
  ...{ sent: 0, received: 0, inOrder: true },
};
const about = (over: Partial<Circumstances> = {}): Circumstances => ({
  hits: [hit()],
  sessions: [{ port: 4_000, member: 'm1', from: 0, until: 2_000 }],
  sockets: [socket],
  leaderless: [],
  isOpaque: false,
  nameOf: (id) => ({ '7': 'm1', '8': 'm2' })[id],
  placeOf: (name) => `at ${name}`,
  ...over,
});

const excuseOf = (failed: CallRecord, circumstances: Circumstances, others: CallRecord[] = []) =>
  judge([failed, ...others], circumstances)[0]?.excuse;

test.each<[string, CallRecord, Circumstances, string | undefined]>([
  ['was on the member that was hit', call(), about(), 'm1 was killed'],
  ['had begun before it was over', call({ begun: 1_300 }), about(), 'm1 was killed'],
  ['began later', call({ begun: 1_301 }), about(), undefined],
  ['had ended before', call({ begun: 900, ended: 1_199 }), about(), undefined],
  ['was on another member', call(), about({ hits: [hit({ reach: { member: 'm2' } })] }), undefined],
  [
    'waited there although its session should have been closed',
    call(),
    about({ hits: [hit({ endsBy: 1_499 })] }),
    undefined,
  ],
  [
    'waited there while nobody led',
    call(),
    about({ hits: [hit({ endsBy: 1_499 })], leaderless: [{ from: 1_100, until: 1_400 }] }),
    'm1 was killed',
  ],
  ['was anywhere', call(), about({ hits: [hit({ reach: 'everywhere' })] }), 'm1 was killed'],
  [
    'says something else',
    call(),
    about({ hits: [hit({ reach: 'everywhere', errors: /space/ })] }),
    undefined,
  ],
  ['was connected', call(), about({ hits: [hit({ reach: 'new-connections' })] }), undefined],
  [
    'had to connect',
    call({ shortLived: true }),
    about({ hits: [hit({ reach: 'new-connections' })] }),
    'm1 was killed',
  ],
  [
    'waited for a leader for longer than any hold',
    call(),
    about({ hits: [], leaderless: [{ from: 0, until: 3_500 }] }),
    'nobody led for 3500 ms',
  ],
  [
    'waited for an election',
    call(),
    about({ hits: [], leaderless: [{ from: 0, until: 3_499 }] }),
    undefined,
  ],
  [
    'was on one that replaced the member that was hit',
    call(),
    about({
      sessions: [{ port: 4_000, member: 'm5', from: 0, until: 2_000 }],
      placeOf: () => 'the same address',
    }),
    'm1 was killed',
  ],
])('a failed call that %s', (_, failed, circumstances, excuse) => {
  expect(excuseOf(failed, circumstances)).toBe(excuse);
});

test('where connections have no ports, those that answered before and after count', () => {
  const without = about({ sockets: [{ ...socket, port: 0 }] });
  const { error: _, ...fine } = call();
  const answered = (begun: number, member: string) => ({
    ...fine,
    begun,
    ended: begun + 1,
    member,
  });
  expect(excuseOf(call(), without, [answered(500, '8')])).toBeUndefined();
  expect(excuseOf(call(), without, [answered(500, '7')])).toBe('m1 was killed');
  expect(excuseOf(call(), without, [answered(500, '8'), answered(1_600, '7')])).toBe(
    'm1 was killed',
  );
});

test('of a client that connects for each call nobody knows then', () => {
  const without = about({ sockets: [{ ...socket, port: 0 }] });
  expect(judge([call({ shortLived: true })], without)[0]).toMatchObject({
    members: [],
    excuse: 'm1 was killed',
  });
});

test.each<[string, boolean, number, string, string | undefined]>([
  [
    'crossed the end of its connection',
    true,
    300,
    'drained',
    'it crossed the end of its connection',
  ],
  ['was heard before that', true, 299, 'drained', undefined],
  ['could have been asked to leave', false, 300, 'drained', undefined],
  ['was cut for another reason', true, 300, 'client-reset', undefined],
])('a call that %s', (_, isOpaque, said, reason, excuse) => {
  const session = { port: 4_000, member: 'm1', from: 0, until: 1_490, reason };
  const sessions = [{ ...session, bytes: { client: 300 } }];
  const circumstances = about({ hits: [], sessions, isOpaque });
  expect(excuseOf(call({ said: { 4000: said } }), circumstances)).toBe(excuse);
});

test('what has no excuse is told with client, key and member', () => {
  const judged = judge([call({ begun: 1_400 })], about());
  expect(withoutExcuse(judged)).toEqual([
    {
      check: 'excuses',
      at: 1_500,
      what: 'register 0 failed without an excuse: put of k, 100 ms, at m1: 14 UNAVAILABLE: dropped',
    },
  ]);
});
