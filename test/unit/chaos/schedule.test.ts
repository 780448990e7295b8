/** Schedules from seeds: the same each time, within their bounds, and readable again. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { acts } from '../../chaos/act/acts.ts';
import { faultNames, faults } from '../../chaos/schedule/faults.ts';
import { inWords, makeSchedule, readSchedule } from '../../chaos/schedule/schedule.ts';
import { discoveries, policies, tlsModes } from '../../chaos/schedule/setting.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 });

test('a seed has one schedule, which survives being written and read', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const schedule = makeSchedule(seed);
      expect(makeSchedule(seed)).toEqual(schedule);
      expect(readSchedule(JSON.stringify(schedule))).toEqual(schedule);
      expect(inWords(schedule)).toHaveLength(schedule.steps.length + 1);
    }),
  );
});

test('a schedule has one to three faults that suit its setting, in their order, and ends in time', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { steps, setting } = makeSchedule(seed);
      expect(steps.length).toBeGreaterThanOrEqual(1);
      expect(steps.length).toBeLessThanOrEqual(3);
      expect(steps.map(({ at }) => at)).toEqual(
        steps.map(({ at }) => at).toSorted((a, b) => a - b),
      );
      const lists = steps.filter(({ fault }) => faults[fault].room === 'list');
      expect(lists.length).toBeLessThanOrEqual(1);
      for (const { fault, at, for: length, way, amount } of steps) {
        const { suits, ways, lasts, amount: amounts } = faults[fault];
        expect(suits?.(setting) ?? true).toBe(true);
        expect(ways?.includes(way ?? '') ?? way === undefined).toBe(true);
        expect(length > 0).toBe(lasts !== undefined);
        expect(amount !== undefined).toBe(amounts !== undefined);
        expect(at + length).toBeLessThanOrEqual(25_000);
      }
    }),
  );
});

test('three hundred seeds have every fault, mode and number there is', () => {
  const all = Array.from({ length: 300 }, (_, index) => makeSchedule(index + 1));
  const used = new Set(all.flatMap(({ steps }) => steps.map(({ fault }) => fault)));
  expect([...used].toSorted()).toEqual([...faultNames].toSorted());
  expect(Object.keys(acts).toSorted()).toEqual([...faultNames].toSorted());
  const seen = (of: (setting: (typeof all)[number]['setting']) => unknown) =>
    [...new Set(all.map(({ setting }) => String(of(setting))))].toSorted();
  expect(seen(({ tls }) => tls)).toEqual([...tlsModes].toSorted());
  expect(seen(({ discovery }) => discovery)).toEqual([...discoveries].toSorted());
  expect(seen(({ policy }) => policy)).toEqual([...policies].toSorted());
  expect(seen(({ members }) => members)).toEqual(['3', '5']);
  expect(seen(({ etcd }) => etcd)).toEqual(['3.4', '3.5']);
});

test('a file that is no schedule is refused with the place', () => {
  const schedule = makeSchedule(1);
  const wrong = { ...schedule, steps: [{ at: 1, for: 0, fault: 'meteor' }] };
  expect(() => readSchedule(JSON.stringify(wrong))).toThrow(/steps\[0\]\.fault/);
});
