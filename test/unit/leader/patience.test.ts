import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Patience } from '../../../src/leader/patience.ts';

const duration = fc.double({ min: 0, max: 500, noNaN: true });

test('is three times the slowest of the last 128 answers, from 50 to 200 ms', () => {
  fc.assert(
    fc.property(fc.array(duration, { maxLength: 300 }), (durations) => {
      const patience = new Patience();
      for (const each of durations) patience.learn(each);
      const slowest = Math.max(0, ...durations.slice(-128));
      expect(patience.current).toBeCloseTo(Math.min(200, Math.max(50, 3 * slowest)));
    }),
  );
});
