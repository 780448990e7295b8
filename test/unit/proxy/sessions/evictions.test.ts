import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Evictions } from '../../../../src/proxy/sessions/evictions.ts';
import { type FakeSession, FakeSessions } from '../fake-session.ts';
import { memberAt } from '../members.ts';

const [m0, m1] = [memberAt(1, 'm0'), memberAt(2, 'm1')];
let sessions: FakeSessions;
let evictions: Evictions;

beforeEach(() => {
  vi.useFakeTimers();
  sessions = new FakeSessions();
  evictions = new Evictions(sessions);
});
afterEach(() => {
  evictions.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function open(count: number): FakeSession[] {
  return Array.from({ length: count }, () => sessions.open(m0));
}

function closed(all: readonly FakeSession[]): number {
  return all.filter(({ closedFor }) => closedFor === 'evicted').length;
}

test('a handful leaves at once', () => {
  const all = open(22);
  sessions.open(m1);
  expect([...evictions.set([m0])]).toEqual([[m0, 22]]);
  expect(closed(all)).toBe(22);
  expect(sessions.openOn(m1).size).toBe(1);
});

test('who shows that the member is there again stays', () => {
  const [older, newer] = open(2);
  expect([...evictions.set([m0], (session) => session === newer)]).toEqual([[m0, 1]]);
  expect(older?.closedFor).toBe('evicted');
  expect(newer?.closedFor).toBeUndefined();
});

test('two thousand leave in lots, all within a second, and are told of once', async () => {
  const all = open(2000);
  expect(evictions.set([m0]).get(m0)).toBe(2000);
  expect(closed(all)).toBe(80);
  expect(evictions.set([m0]).size).toBe(0);
  await vi.advanceTimersByTimeAsync(250);
  expect(closed(all)).toBeLessThan(2000);
  await vi.advanceTimersByTimeAsync(750);
  expect(closed(all)).toBe(2000);
});

test('who waits longest for an answer leaves first', () => {
  const all = open(1000);
  for (const [index, { activity }] of all.entries()) {
    activity.waitingSince = index < 500 ? undefined : index;
  }
  evictions.set([m0]);
  expect(closed(all.slice(500, 550))).toBe(50);
  expect(closed(all)).toBe(50);
});

test('a member that is well again keeps those who have not left yet', async () => {
  const all = open(2000);
  evictions.set([m0]);
  evictions.set([]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(closed(all)).toBe(80);
});
