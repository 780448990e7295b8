import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EventBody } from '../../../../src/observe/events/event-log.ts';
import { handshakeNotices, rejectionNotices } from '../../../../src/observe/events/throttle.ts';

let told: EventBody[];
beforeEach(() => {
  vi.useFakeTimers();
  told = [];
});
afterEach(() => {
  vi.useRealTimers();
});

const record = (body: EventBody): void => void told.push(body);

test.each([
  ['clients that are turned away', () => rejectionNotices(record), ['limit', 'no-member']],
  ['failed handshakes', () => handshakeNotices(record), ['untrusted', 'timeout']],
] as const)('a flood of %s is one event in 10 s for each reason', async (_, open, reasons) => {
  const notice = open() as (reason: string) => void;
  for (let second = 0; second < 60; second += 1) {
    for (let client = 0; client < 1_000; client += 1) for (const reason of reasons) notice(reason);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  await vi.advanceTimersByTimeAsync(10_000);
  for (const reason of reasons) notice(reason); // the next one tells of those before it
  for (const reason of reasons) {
    const events = told.filter(({ fields }) => fields['reason'] === reason);
    expect(events.length).toBeLessThanOrEqual(8);
    const clients = events.reduce((sum, { fields }) => sum + Number(fields['clients']), 0);
    expect(clients).toBe(60_001);
  }
  expect(vi.getTimerCount()).toBe(0);
});
