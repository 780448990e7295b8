import { expect, test } from 'vitest';
import { waitFor } from '../../../src/snapshot/rate.ts';

test('waits for as long as the bytes may take, less what has passed', () => {
  expect(waitFor(5_000, 1_000, 1_000)).toBe(4_000);
  expect(waitFor(5_000, 6_000, 1_000)).toBe(0);
  expect(waitFor(5_000, 0, undefined)).toBe(0);
});
