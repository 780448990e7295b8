import { expect, test } from 'vitest';
import { EventLoopStalls } from '../../../../src/lib/time/event-loop-stall.ts';

test('a timer a little late is no starvation', () => {
  const starvation = new EventLoopStalls();
  expect(starvation.note(100, 1000)).toBe(false);
  expect(starvation.since(0)).toBe(false);
});

test('what began before the process ran again is in doubt, what began after is not', () => {
  const starvation = new EventLoopStalls();
  expect(starvation.note(3000, 5000)).toBe(true);
  expect([starvation.since(1000), starvation.since(5000), starvation.since(5001)]).toEqual([
    true,
    true,
    false,
  ]);
});
