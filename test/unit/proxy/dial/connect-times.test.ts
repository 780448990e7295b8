import { expect, test } from 'vitest';
import { ConnectTimes } from '../../../../src/proxy/dial/connect-times.ts';
import { memberAt } from '../members.ts';

test('a member of which nothing is known is waited for as long as the setting says', () => {
  expect(new ConnectTimes(() => 250).raceAfter(memberAt(1))).toBe(250);
});

test('a quick member is late soon, but not before a busy host could be', () => {
  const times = new ConnectTimes(() => 250);
  const [quick, far] = [memberAt(1), memberAt(2)];
  times.learn(quick, 0.3);
  times.learn(far, 12);
  expect([times.raceAfter(quick), times.raceAfter(far)]).toEqual([50, 120]);
});

test('a slow member is never waited for longer than the setting says, and learning goes on', () => {
  const times = new ConnectTimes(() => 250);
  const member = memberAt(1);
  times.learn(member, 400);
  expect(times.raceAfter(member)).toBe(250);
  for (let dials = 0; dials < 50; dials += 1) times.learn(member, 10);
  expect(times.raceAfter(member)).toBeCloseTo(100, 0);
});
