import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TimerQueue } from '../../../../src/lib/time/timer-queue.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

interface Step {
  /** ms until the next step. */
  readonly pause: number;
  readonly wait: number;
  /** ms until it is cancelled; `undefined` if it may ring. */
  readonly cancelAfter: number | undefined;
}

const steps = fc.array(
  fc.record<Step>({
    pause: fc.integer({ min: 0, max: 50 }),
    wait: fc.integer({ min: 1, max: 200 }),
    cancelAfter: fc.option(fc.integer({ min: 0, max: 250 }), { nil: undefined }),
  }),
);

test('each rings once and in time unless it is cancelled before, with one timer for all', () => {
  fc.assert(
    fc.property(steps, (steps) => {
      const alarms = new TimerQueue();
      const others = vi.getTimerCount();
      let rung = 0;
      let expected = 0;
      // What a test wants to happen later is a timer too; ours is told apart by the count.
      const later: { readonly at: number; readonly run: () => void }[] = [];
      const advance = (until: number): void => {
        for (;;) {
          later.sort((a, b) => a.at - b.at);
          const next = later[0];
          if (next === undefined || next.at > until) break;
          later.shift();
          vi.advanceTimersByTime(next.at - performance.now());
          next.run();
        }
        vi.advanceTimersByTime(until - performance.now());
        expect(vi.getTimerCount() - others).toBeLessThanOrEqual(1);
      };
      for (const { pause, wait, cancelAfter } of steps) {
        const due = performance.now() + wait;
        const alarm = alarms.set(wait, () => {
          expect(performance.now()).toBe(due);
          rung += 1;
        });
        const isCancelled = cancelAfter !== undefined && cancelAfter < wait;
        if (!isCancelled) expected += 1;
        if (cancelAfter !== undefined) {
          later.push({ at: performance.now() + cancelAfter, run: () => alarms.cancel(alarm) });
        }
        advance(performance.now() + pause);
      }
      advance(performance.now() + 1_000);
      expect(rung).toBe(expected);
      expect(alarms.pending).toBe(0);
      expect(vi.getTimerCount()).toBe(others);
    }),
  );
});

test('one that rings may set another', () => {
  const alarms = new TimerQueue();
  const rung: number[] = [];
  alarms.set(10, () => {
    rung.push(performance.now());
    alarms.set(5, () => rung.push(performance.now()));
  });
  alarms.set(12, () => rung.push(performance.now()));
  const start = performance.now();
  vi.advanceTimersByTime(100);
  expect(rung.map((at) => at - start)).toEqual([10, 12, 15]);
});
