/** Sessions over real connections: whom they count for, and what they add up to. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LoadLease } from '../../../../src/members/load-lease.ts';
import type { Member } from '../../../../src/members/member.ts';
import { withinTls } from '../../../../src/proxy/relay/byte-counts.ts';
import { copyThroughSharedBuffer } from '../../../../src/proxy/relay/shared-buffer.ts';
import { Drainer } from '../../../../src/proxy/sessions/drainer.ts';
import {
  type EndReason,
  endReasons,
  type Session,
} from '../../../../src/proxy/sessions/session.ts';
import { Sessions } from '../../../../src/proxy/sessions/sessions.ts';
import { Pairs } from '../../../support/tcp.ts';
import { memberAt } from '../members.ts';

let pairs: Pairs;
let sessions: Sessions;
let drainer: Drainer;
let ended: [session: Session, reason: EndReason][];
let onEnd: () => void;
let m0: Member;
let m1: Member;

beforeEach(async () => {
  pairs = await Pairs.open();
  const endedHere: typeof ended = []; // sessions of an earlier test must not end up here
  ended = endedHere;
  onEnd = () => {};
  sessions = new Sessions();
  drainer = new Drainer(sessions);
  sessions.onEnd((session, reason) => {
    endedHere.push([session, reason]);
    onEnd();
  });
  [m0, m1] = [memberAt(1, 'm0'), memberAt(2, 'm1')];
});
afterEach(() => pairs[Symbol.asyncDispose]());

interface Opened {
  readonly session: Session;
  /** The far ends, as the client and the member have them. */
  readonly client: Socket;
  readonly member: Socket;
}

async function open(member: Member, follow = false): Promise<Opened> {
  const [client, upstream] = [await pairs.connect(), await pairs.connect()];
  const lease = new LoadLease(member);
  const dialled = { member, lease, socket: upstream.far, failovers: 0 };
  const session = sessions.open({
    ...{ client: client.far, dialled, copy: copyThroughSharedBuffer },
    ...{ wire: withinTls, follow },
  });
  return { session, client: client.near, member: upstream.near };
}

/** Resolves when so many sessions have ended altogether. */
function endedSessions(count: number): Promise<void> {
  return new Promise((resolve) => {
    onEnd = () => ended.length >= count && resolve();
    onEnd();
  });
}

test('a session counts for its member while it lasts, and gives the load back', async () => {
  const first = await open(m0);
  await open(m0);
  await open(m1);
  expect([sessions.count, sessions.countOf(m0), sessions.countOf(m1)]).toEqual([3, 2, 1]);
  first.client.end();
  first.member.resume().on('end', () => first.member.end());
  await endedSessions(1);
  expect([sessions.count, sessions.countOf(m0), sessions.countOf(m1)]).toEqual([2, 1, 1]);
  expect([m0.load, m1.load]).toEqual([1, 1]);
  expect(ended).toEqual([[first.session, 'client-closed']]);
});

test('totals hold ended and open sessions together', async () => {
  const [over, open0, open1] = [await open(m0), await open(m0), await open(m1)];
  over.client.end('12345');
  over.member.end('123');
  over.client.resume();
  over.member.resume();
  await endedSessions(1);
  open0.client.write('1234567');
  open0.member.write('12');
  await Promise.all([once(open0.member.resume(), 'data'), once(open0.client.resume(), 'data')]);
  const none = Object.fromEntries(endReasons.map((reason) => [reason, 0]));
  expect(sessions.totalsOf(m0)).toMatchObject({
    opened: 2,
    ended: { ...none, [ended[0]?.[1] ?? '']: 1 },
    bytes: { client: 12, member: 5 },
  });
  expect(sessions.totalsOf(m1)).toMatchObject({
    opened: 1,
    ended: none,
    bytes: { client: 0, member: 0 },
  });
  expect(open1.session.bytes).toMatchObject({ client: 0, member: 0 });
});

test('the totals given are a copy', async () => {
  const before = sessions.totalsOf(m0);
  await open(m0);
  expect(before.opened).toBe(0);
  before.ended.evicted = 99;
  expect(sessions.totalsOf(m0).ended.evicted).toBe(0);
});

test.each([
  ['client', 'client-reset'],
  ['member', 'member-reset'],
] as const)('a reset by the %s ends it as %s', async (who, reason) => {
  const opened = await open(m0);
  opened[who].resetAndDestroy();
  await endedSessions(1);
  expect(ended).toEqual([[opened.session, reason]]);
  expect(sessions.totalsOf(m0).ended).toMatchObject({ [reason]: 1 });
  expect(m0.load).toBe(0);
});

test('closing all of a member closes these and no others, and both ends see it', async () => {
  const [one, two, other] = [await open(m0), await open(m0), await open(m1)];
  const seen = [one.client, one.member, two.client, two.member].map((socket) =>
    once(socket.resume(), 'end'),
  );
  expect(drainer.close(sessions.openOn(m0), 'evicted')).toBe(2);
  await endedSessions(2);
  await Promise.all(seen);
  expect(sessions.totalsOf(m0).ended.evicted).toBe(2);
  expect([m0.load, m1.load]).toEqual([0, 1]);
  expect(drainer.close(sessions.openOn(m0), 'evicted')).toBe(0);
  other.client.write('x');
  expect(await once(other.member.resume(), 'data')).toEqual([Buffer.from('x')]);
});

test('a session that is being closed is not counted again', async () => {
  await open(m0);
  expect(drainer.close(sessions.openOn(m0), 'evicted')).toBe(1);
  expect(drainer.close(sessions.openOn(m0), 'evicted')).toBe(0); // in the same tick
});

test('closing everything closes every member', async () => {
  for (const member of [m0, m0, m1]) await open(member);
  expect(drainer.close(sessions.all(), 'shutdown')).toBe(3);
  await endedSessions(3);
  expect(ended.map(([, reason]) => reason)).toEqual(['shutdown', 'shutdown', 'shutdown']);
  expect([sessions.count, m0.load, m1.load]).toEqual([0, 0, 0]);
});

test('the first reason to close a session is the one that counts, and it ends once', async () => {
  const { session } = await open(m0);
  session.close('evicted');
  session.close('shutdown');
  drainer.close(sessions.all(), 'shutdown');
  await endedSessions(1);
  session.close('shutdown');
  await new Promise(setImmediate);
  expect(ended).toEqual([[session, 'evicted']]);
  expect([m0.load, sessions.count]).toEqual([0, 0]);
});

test('the accounts are settled before the end is told', async () => {
  const { session } = await open(m0);
  const told = new Promise<unknown>((resolve) => {
    onEnd = () => resolve([sessions.count, m0.load, sessions.totalsOf(m0).ended.evicted]);
  });
  session.close('evicted');
  expect(await told).toEqual([0, 0, 1]);
});

test('one that was asked to leave is no load, and the reason counts when its client leaves by itself', async () => {
  const [asked, other] = [await open(m0, true), await open(m0, true)];
  asked.session.askToLeave('drained');
  asked.session.askToLeave('removed');
  expect([m0.load, asked.session.state]).toMatchObject([1, { kind: 'asked', reason: 'drained' }]);
  for (const { client, member } of [asked, other]) {
    member.resume().on('end', () => member.end());
    client.resume().end();
  }
  await endedSessions(2);
  expect(new Map(ended)).toEqual(
    new Map([
      [asked.session, 'drained'],
      [other.session, 'client-closed'],
    ]),
  );
  expect(m0.load).toBe(0);
});

test('one that is finished in order is not cut by a close, and keeps its reason', async () => {
  const { session } = await open(m0, true);
  session.askToLeave('rebalanced');
  session.finish();
  expect(session.state).toMatchObject({ kind: 'finishing', reason: 'rebalanced' });
  expect(session.close('shutdown')).toBe(false);
  await endedSessions(1);
  expect(ended).toEqual([[session, 'rebalanced']]);
});
