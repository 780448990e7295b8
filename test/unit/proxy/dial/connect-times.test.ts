import { expect, test } from 'vitest';
import { learnConnectTime, raceAfter } from '../../../../src/proxy/dial/connect-times.ts';
import { memberAt } from '../members.ts';

test('a member of which nothing is known is waited for as long as the setting says', () => {
  expect(raceAfter(memberAt(1), 250)).toBe(250);
});

test('a quick member is late soon, but not before a busy host could be', () => {
  const [quick, far] = [memberAt(1), memberAt(2)];
  learnConnectTime(quick, 0.3);
  learnConnectTime(far, 12);
  expect([raceAfter(quick, 250), raceAfter(far, 250)]).toEqual([50, 120]);
});

test('a slow member is never waited for longer than the setting says, and learning goes on', () => {
  const member = memberAt(1);
  learnConnectTime(member, 400);
  expect(raceAfter(member, 250)).toBe(250);
  for (let dials = 0; dials < 50; dials += 1) learnConnectTime(member, 10);
  expect(raceAfter(member, 250)).toBeCloseTo(100, 0);
});
