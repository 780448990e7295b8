import { expect, test } from 'vitest';
import { meanConnectTime, raceAfter } from '../../../../src/proxy/dial/connect-times.ts';

/** After dials that took so long, ms. */
function mean(...durations: number[]): number | undefined {
  return durations.reduce<number | undefined>(meanConnectTime, undefined);
}

test('a member of which nothing is known is waited for as long as the setting says', () => {
  expect(raceAfter(mean(), 250)).toBe(250);
});

test('a quick member is late soon, but not before a busy host could be', () => {
  expect([raceAfter(mean(0.3), 250), raceAfter(mean(12), 250)]).toEqual([50, 120]);
});

test('a slow member is never waited for longer than the setting says, and learning goes on', () => {
  expect(raceAfter(mean(400), 250)).toBe(250);
  expect(raceAfter(mean(400, ...Array(50).fill(10)), 250)).toBeCloseTo(100, 0);
});
