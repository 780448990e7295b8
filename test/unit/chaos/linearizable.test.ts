import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkRegister } from '../../chaos/check/linearizable.ts';
import type { Operation } from '../../chaos/check/operations.ts';
import {
  anyOperations,
  get,
  isLinearizableByForce,
  never,
  put,
  simulate,
  steps,
  swap,
} from './histories.ts';

const good: Record<string, Operation[]> = {
  'nothing at all': [],
  'a read of nothing': [get(0, 1, null)],
  'a write and its read': [put(0, 1, 'x'), get(2, 3, 'x')],
  'a read during a write, of before': [put(0, 1, 'x'), put(2, 9, 'y'), get(3, 4, 'x')],
  'a read during a write, of after': [put(0, 1, 'x'), put(2, 9, 'y'), get(3, 4, 'y')],
  'a read that begins as a write ends': [put(0, 2, 'x'), get(2, 3, null)],
  'two writes at once, the last read first': [
    ...[put(0, 9, 'x', 'a'), put(0, 9, 'y', 'd'), get(1, 2, 'y'), get(3, 4, 'x')],
  ],
  'a swap of what was found': [swap(0, 1, null, 'x'), swap(2, 3, 'x', 'y'), get(4, 5, 'y')],
  'a swap that is refused': [put(0, 1, 'x'), swap(2, 3, 'z', 'y', false), get(4, 5, 'x')],
  'an unknown write that nobody sees': [put(0, 1, 'x'), put(2, never, 'y'), get(5, 6, 'x')],
  'an unknown write that shows up late': [
    ...[put(0, never, 'y'), put(1, 2, 'x'), get(3, 4, 'x'), get(50, 51, 'y')],
  ],
  'an unknown swap that shows up late': [
    ...[put(0, 1, 'x'), swap(2, never, 'x', 'y'), get(3, 4, 'x'), get(50, 51, 'y')],
  ],
  'two unknown swaps on each other': [
    ...[put(0, never, 'x'), swap(1, never, 'x', 'y'), swap(2, never, 'y', 'z'), get(5, 6, 'z')],
  ],
  'a swap refused for an unknown write that nobody sees': [
    ...[put(0, 1, 'x'), put(2, never, 'y'), swap(3, 4, 'x', 'z', false), put(5, 6, 'w')],
    get(7, 8, 'w'),
  ],
  'two swaps refused, each for an unknown write': [
    ...[put(0, never, 'y'), put(0, never, 'z'), put(1, 2, 'x'), swap(3, 4, 'x', 's', false)],
    ...[put(5, 6, 'w'), swap(7, 8, 'w', 't', false)],
  ],
  'a swap refused for one unknown write, and another that shows up late': [
    ...[put(0, never, 'y'), put(0, never, 'z'), put(1, 2, 'x'), swap(3, 4, 'x', 's', false)],
    ...[put(5, 6, 'w'), get(7, 8, 'y')],
  ],
  'a swap refused for one unknown write, and one that expects another': [
    ...[put(0, never, 'y'), put(0, never, 'z'), put(1, 2, 'x'), swap(3, 4, 'x', 's', false)],
    ...[swap(5, 6, 'y', 't', false), put(7, 8, 'w'), swap(9, 10, 'w', 'u', false)],
  ],
};

const bad: Record<string, Operation[]> = {
  'a read of what nobody wrote': [get(0, 1, 'x')],
  'a read before the write': [get(0, 1, 'x'), put(2, 3, 'x')],
  'a read of a refused value': [swap(0, 1, 'z', 'x', false), get(2, 3, 'x')],
  'a stale read': [put(0, 1, 'x'), put(2, 3, 'y'), get(4, 5, 'x')],
  'a lost write': [put(0, 1, 'x'), get(2, 3, null)],
  'a read that goes back': [...[put(0, 1, 'x'), put(2, 99, 'y'), get(3, 4, 'y'), get(5, 6, 'x')]],
  'two readers that see another order': [
    ...[put(0, 9, 'x', 'a'), put(0, 9, 'y', 'd'), get(10, 20, 'x'), get(10, 20, 'y', 'e')],
  ],
  'two swaps of the same value': [put(0, 1, 'x'), swap(2, 9, 'x', 'y'), swap(2, 9, 'x', 'z')],
  'a swap of what is over': [put(0, 1, 'x'), put(2, 3, 'y'), swap(4, 5, 'x', 'z')],
  'a swap that is refused what is there': [put(0, 1, 'x'), swap(2, 3, 'x', 'y', false)],
  'an unknown write that shows up twice': [
    ...[put(0, never, 'y'), get(1, 2, 'y'), put(3, 4, 'x'), get(5, 6, 'x'), get(7, 8, 'y')],
  ],
  'an unknown write that shows up before it began': [get(0, 1, 'y'), put(2, never, 'y')],
  'an unknown swap of what was not there': [
    ...[put(0, 1, 'x'), swap(2, never, 'z', 'y'), get(3, 4, 'y')],
  ],
  'two swaps refused, with one unknown write': [
    ...[put(0, never, 'y'), put(1, 2, 'x'), swap(3, 4, 'x', 's', false)],
    ...[put(5, 6, 'w'), swap(7, 8, 'w', 't', false)],
  ],
  'a swap refused before the unknown write begins': [
    ...[put(0, 1, 'x'), swap(2, 3, 'x', 'z', false), put(4, never, 'y')],
  ],
};

describe('a linearizable history', () => {
  test.each(Object.entries(good))('%s', (_name, operations) => {
    expect(isLinearizableByForce(operations)).toBe(true);
    expect(checkRegister('k', operations)).toBeUndefined();
  });

  test('is what clients see of a register that works', () => {
    fc.assert(
      fc.property(steps({ minLength: 1, maxLength: 120 }), (plan) => {
        expect(checkRegister('k', simulate(plan))).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe('a history that is not linearizable', () => {
  test.each(Object.entries(bad))('%s', (_name, operations) => {
    expect(isLinearizableByForce(operations)).toBe(false);
    expect(checkRegister('k', operations)).toMatchObject({ check: 'linearizable' });
  });

  test('is one in which one read is too old', () => {
    const plans = steps({ minLength: 30, maxLength: 80 });
    fc.assert(
      fc.property(plans, fc.nat(), (plan, choice) => {
        const operations = simulate(plan);
        const reads = operations.flatMap((operation) => {
          const stale = tooOldFor(operation, operations);
          return stale === undefined ? [] : [{ operation, stale }];
        });
        const chosen = reads[choice % reads.length];
        fc.pre(chosen !== undefined);
        const { begun, ended, client } = chosen.operation;
        const wrong = operations.with(
          operations.indexOf(chosen.operation),
          get(begun, ended, chosen.stale, client),
        );
        expect(checkRegister('k', wrong)).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });
});

/** The value of an answered put that another answered put had replaced before this read began. */
function tooOldFor(read: Operation, operations: readonly Operation[]): string | undefined {
  if (read.action.kind !== 'read') return undefined;
  const puts = operations.filter(({ action }) => action.kind === 'write');
  const newer = puts.filter(({ ended }) => ended < read.begun);
  const older = puts.find(({ ended }) => newer.some(({ begun }) => ended < begun));
  return older?.action.kind === 'write' ? older.action.value : undefined;
}

test('agrees with trying every order of a few operations', () => {
  const verdicts = { good: 0, bad: 0 };
  fc.assert(
    fc.property(anyOperations, (operations) => {
      const expected = isLinearizableByForce(operations);
      verdicts[expected ? 'good' : 'bad'] += 1;
      expect(checkRegister('k', operations) === undefined).toBe(expected);
    }),
    { numRuns: 10_000 },
  );
  expect(Math.min(verdicts.good, verdicts.bad)).toBeGreaterThan(1_000);
});

describe('the finding', () => {
  test('says how far an order goes, and what does not fit', () => {
    const operations = [
      ...[put(1_000, 1_001, 'x'), put(1_002, 1_003, 'y'), get(1_004, 1_004.5, 'y')],
      { ...get(1_005, 1_006, 'z'), revision: 7 },
    ];
    expect(checkRegister('/k', operations)).toEqual({
      check: 'linearizable',
      what:
        'The calls of /k have no order in which every answer is right: 3 of 4 answered calls can be ' +
        'put in order, at last a puts "x", a puts "y", b reads "y"; /k holds "y" then, and none of ' +
        'these can follow: b reads "z" (revision 7) from 5.0 to 6.0 ms, which nobody wrote.',
      at: 1_005,
    });
  });

  test.each<[string, Operation[], string]>([
    [
      'a stale read',
      bad['a stale read'] ?? [],
      'a puts "y" from 2.0 to 3.0 ms, after which this cannot be: b reads "x" from 4.0 to 5.0 ms.',
    ],
    [
      'a read of nothing',
      bad['a lost write'] ?? [],
      'a puts "x" from 0.0 to 1.0 ms, after which this cannot be: b reads no value from 2.0 to 3.0 ms.',
    ],
    ['a refused value', bad['a read of a refused value'] ?? [], ', whose swap was refused'],
    [
      'a value that is over',
      bad['two swaps of the same value'] ?? [],
      'c swaps "x" to "y" from 2.0 to 9.0 ms, after which this cannot be: c swaps "x" to "z" from',
    ],
    [
      'a swap too soon',
      bad['an unknown swap of what was not there'] ?? [],
      'b reads "y" from 3.0 to 4.0 ms, which cannot have been written yet',
    ],
    [
      'a value twice',
      bad['an unknown write that shows up twice'] ?? [],
      'a puts "x" from 2.0 to 3.0 ms, after which this cannot be: b reads "y" from 6.0 to 7.0 ms.',
    ],
  ])('names the reason: %s', (_name, operations, words) => {
    expect(checkRegister('k', operations)?.what).toContain(words);
  });

  test('says that a value is written twice', () => {
    const twice = [put(0, 1, 'x'), put(2, 3, 'x')];
    expect(checkRegister('k', twice)?.what).toContain('two of them write "x"');
  });

  test('says that it was given up', () => {
    const operations = [put(0, 9, 'x', 'a'), put(0, 9, 'y', 'd'), get(10, 11, 'x')];
    expect(checkRegister('k', operations, 1)?.what).toContain('could not be judged within 1 step.');
  });
});
