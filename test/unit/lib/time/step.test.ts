import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextInStep } from '../../../../src/lib/time/step.ts';

const moments = fc.double({ min: 0, max: 1e9, noNaN: true });
const intervals = fc.integer({ min: 50, max: 60_000 });

test('the next moment in step is later, by an interval at most, and a multiple of it', () => {
  fc.assert(
    fc.property(moments, intervals, (after, interval) => {
      const next = nextInStep(after, interval);
      expect(next).toBeGreaterThan(after);
      expect(next - after).toBeLessThanOrEqual(interval);
      expect(next % interval).toBe(0);
    }),
  );
});
