import { expect, test } from 'vitest';
import { shown } from '../../chaos/check/finding.ts';
import { checkLinearizable } from '../../chaos/check/linearizable.ts';
import { operationsByKey } from '../../chaos/check/operations.ts';
import type { CallRecord } from '../../chaos/clients/record.ts';

const call = (of: Partial<CallRecord> & Pick<CallRecord, 'op'>): CallRecord => ({
  ...{ kind: 'call', client: 'a', key: 'k', begun: 0, ended: 1, shortLived: false },
  ...of,
});

test('answered calls keep their times, what they have seen and their revision', () => {
  const calls = [
    call({ op: 'put', value: 'x', revision: 5 }),
    call({ op: 'get', read: 'x', begun: 2, ended: 3 }),
    call({ op: 'swap', expected: null, value: 'y', swapped: false, begun: 4, ended: 6 }),
  ];
  expect(operationsByKey(calls).get('k')).toEqual([
    { client: 'a', begun: 0, ended: 1, action: { kind: 'write', value: 'x' }, revision: 5 },
    { client: 'a', begun: 2, ended: 3, action: { kind: 'read', value: 'x' } },
    {
      ...{ client: 'a', begun: 4, ended: 6 },
      action: { kind: 'swap', expected: null, value: 'y', done: false },
    },
  ]);
});

test('a write that failed has an open end, and a read that failed says nothing', () => {
  const failed = { error: 'reset', ended: 9 };
  const calls = [
    call({ op: 'put', value: 'x', ...failed }),
    call({ op: 'swap', expected: 'x', value: 'y', ...failed }),
    call({ op: 'get', ...failed }),
    call({ op: 'range' }),
  ];
  const ended = Number.POSITIVE_INFINITY;
  expect(operationsByKey(calls).get('k')).toMatchObject([
    { ended, action: { kind: 'write' } },
    { ended, action: { kind: 'swap', done: true } },
  ]);
});

test('keys are judged apart', () => {
  const calls = [
    call({ op: 'put', key: 'good', value: 'x' }),
    call({ op: 'get', key: 'good', read: 'x' }),
    call({ op: 'get', key: 'bad', read: 'x' }),
  ];
  expect([...operationsByKey(calls).keys()]).toEqual(['good', 'bad']);
  expect(checkLinearizable(calls)).toMatchObject([{ what: expect.stringContaining('of bad') }]);
});

test.each([
  [call({ op: 'get' }), 'a get of k by a has no read'],
  [call({ op: 'put' }), 'a put of k by a has no value'],
  [call({ op: 'swap', value: 'x', swapped: true }), 'a swap of k by a has no expected'],
  [call({ op: 'swap', value: 'x', expected: 'y' }), 'a swap of k by a has no swapped'],
])('a record that lacks something is refused: %#', (record, words) => {
  expect(() => operationsByKey([record])).toThrow(words);
});

test('values in words are quoted, and cut when they are long', () => {
  expect(shown(null)).toBe('no value');
  expect(shown('a"')).toBe('"a\\""');
  expect(shown('x'.repeat(100))).toBe(`"${'x'.repeat(40)}"… (100 characters)`);
});
