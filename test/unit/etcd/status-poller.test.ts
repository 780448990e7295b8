/** When members are asked, on a clock of our own. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveSettings } from '../../../src/config/live-settings.ts';
import type { MemberStatus, PollResult } from '../../../src/etcd/status/member-status.ts';
import { StatusPoller } from '../../../src/etcd/status-poller.ts';
import type { Member } from '../../../src/members/member.ts';
import { someFacts } from '../../support/described-cluster.ts';
import { aMember } from '../../support/members.ts';

let member: Member;
const interval = 10_000;

let asked: number[];
let told: PollResult[];
let settled: boolean;
let answer: () => Promise<MemberStatus>;
let closed: number;
let stop: AbortController;
let poller: StatusPoller;
/** What follows from an answer. */
let onTold: () => void;

function start(every = interval): void {
  poller = new StatusPoller({
    members: () => [member],
    open: () => ({
      status: () => {
        asked.push(performance.now());
        return answer();
      },
      close: () => {
        closed += 1;
      },
    }),
    settings: new LiveSettings({ inspectInterval: every }),
    isSettled: () => settled,
    onResult: (_, result) => {
      told.push(result);
      onTold();
    },
  });
  poller.start(stop.signal);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  vi.spyOn(Math, 'random').mockReturnValue(0.5); // the middle of the jitter
  member = aMember('m0');
  asked = [];
  told = [];
  settled = true;
  closed = 0;
  onTold = () => {};
  answer = () => Promise.resolve(someFacts);
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** How many questions were asked within the next `ms`. */
async function within(ms: number): Promise<number> {
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(ms);
  return asked.length - before;
}

test('a member is asked at once, and then every interval', async () => {
  start();
  expect(await within(1)).toBe(1);
  expect(await within(9_990)).toBe(0);
  expect(await within(30_000)).toBe(3);
  expect(told).toEqual(Array(4).fill({ kind: 'known', status: someFacts }));
});

test('why it does not answer is told, and it is asked again', async () => {
  answer = () => Promise.reject(new Error('timed out'));
  start();
  await within(10_001);
  expect(told).toEqual(Array(2).fill({ kind: 'unknown', why: 'timed out' }));
});

test('many wishes for a question are one, a moment after the last', async () => {
  start();
  await within(1);
  for (let wish = 0; wish < 100; wish += 1) poller.pollAllNow();
  expect(await within(200)).toBe(0);
  expect(await within(50)).toBe(1);
  expect(await within(9_000)).toBe(0);
});

test('a wish while a question is open is another question after it', async () => {
  const answers = Promise.withResolvers<MemberStatus>();
  answer = () => answers.promise;
  start();
  await within(1_000);
  poller.pollAllNow();
  expect(await within(1_000)).toBe(0);
  answers.resolve(someFacts);
  expect(await within(1)).toBe(1);
});

test('it is asked often while there is no leader', async () => {
  settled = false;
  start();
  await within(1);
  expect(await within(1_000)).toBe(4);
  settled = true;
  await within(250); // armed before
  expect(await within(8_000)).toBe(0);
});

test('nobody is asked when that is turned off, nor after the end', async () => {
  start(0);
  poller.pollAllNow();
  expect(await within(60_000)).toBe(0);
  start();
  await within(1);
  const open = Promise.withResolvers<MemberStatus>();
  answer = () => open.promise;
  await within(interval);
  stop.abort();
  open.resolve(someFacts);
  expect(await within(60_000)).toBe(0);
  expect(told).toHaveLength(1);
  expect(closed).toBe(1);
});

test.each<[string, () => void]>([
  ['the end', () => stop.abort()],
  ['its leaving', () => member.leave()],
])('an answer that leads to %s is the last', async (_, follows) => {
  onTold = follows;
  start();
  expect(await within(3 * interval)).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('who joins is asked at once, who has left no more, and what it still says is not told', async () => {
  start();
  await within(1);
  const open = Promise.withResolvers<MemberStatus>();
  answer = () => open.promise;
  poller.add(aMember('m1'));
  expect(await within(1)).toBe(1);
  member.leave();
  expect(closed).toBe(1);
  expect(await within(interval)).toBe(0);
  open.resolve(someFacts);
  expect(await within(interval)).toBe(1);
});
