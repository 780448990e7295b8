import { expect, test } from 'vitest';
import { LiveSettings } from '../../../src/config/live-settings.ts';

test('a change is in force before anybody is told of it, in the order of the listeners', () => {
  const live = new LiveSettings({ rise: 1 });
  const told: unknown[] = [];
  live.onChange((next, before) => told.push(['first', before.rise, next.rise, live.current.rise]));
  live.onChange(() => told.push('second'));
  expect(live.current).toEqual({ rise: 1 });
  live.replace({ rise: 2 });
  expect(told).toEqual([['first', 1, 2, 2], 'second']);
});
