import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EventLog } from '../../../../src/observe/events/event-log.ts';
import { throttled } from '../../../../src/observe/events/throttle.ts';
import type { RejectReason } from '../../../../src/proxy/client-totals.ts';
import type { HandshakeFailure } from '../../../../src/proxy/tls/downstream.ts';

let events: EventLog;
beforeEach(() => {
  vi.useFakeTimers();
  events = new EventLog();
});
afterEach(() => {
  vi.useRealTimers();
});

const rejections = () =>
  throttled<RejectReason>((reason, clients) =>
    events.record({ kind: 'clients-rejected', reason, clients }),
  );
const handshakes = () =>
  throttled<HandshakeFailure>((reason, clients) =>
    events.record({ kind: 'handshakes-failed', reason, clients }),
  );

test.each([
  ['clients that are turned away', rejections, ['limit', 'no-member']],
  ['failed handshakes', handshakes, ['untrusted', 'timeout']],
] as const)('a flood of %s is one event in 10 s for each reason', async (_, open, reasons) => {
  const happens = open() as (reason: string) => void;
  for (let second = 0; second < 60; second += 1) {
    for (let client = 0; client < 1_000; client += 1) for (const reason of reasons) happens(reason);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  await vi.advanceTimersByTimeAsync(10_000);
  for (const reason of reasons) happens(reason); // the next one tells of those before it
  for (const reason of reasons) {
    const told = events.recent.filter(({ fields }) => fields['reason'] === reason);
    expect(told.length).toBeLessThanOrEqual(8);
    const clients = told.reduce((sum, { fields }) => sum + Number(fields['clients']), 0);
    expect(clients).toBe(60_001);
  }
  expect(vi.getTimerCount()).toBe(0);
});
