import { describe, expect, test } from 'vitest';
import { checkWrites } from '../../chaos/check/writes.ts';
import type { CallRecord, WatchEvent } from '../../chaos/clients/record.ts';

const call = (of: Partial<CallRecord>): CallRecord => ({
  ...{ kind: 'call', client: 'a', op: 'put', key: 'k', value: 'x', begun: 0, ended: 1 },
  ...{ shortLived: false, ...of },
});
const event = (revision: number, value: string, key = 'k'): WatchEvent => ({
  ...{ revision, type: 'put', key, value, at: revision },
});
const gone = (revision: number): WatchEvent => ({ ...event(revision, ''), type: 'delete' });
const swap = { op: 'swap', expected: 'w' } as const;
const failed = { error: 'reset' };
const no = new Map<string, string | null>();

const good: [string, CallRecord[], WatchEvent[]][] = [
  ['an acknowledged put', [call({ revision: 5 })], [event(5, 'x')]],
  ['one whose revision nobody told', [call({})], [event(5, 'x')]],
  ['a swap', [call({ ...swap, swapped: true, revision: 5 })], [event(5, 'x')]],
  ['a refused swap', [call({ ...swap, swapped: false, revision: 5 })], []],
  ['a failed put that is there', [call(failed)], [event(5, 'x')]],
  ['a failed put that is not', [call(failed)], []],
  ['a failed swap that is there', [call({ ...swap, ...failed })], [event(5, 'x')]],
  ['keys of others', [call(failed)], [event(5, 'y', 'lease'), event(6, 'y', 'lease')]],
  ['a read', [call({ op: 'get', read: 'x' })], []],
];

test.each(good)('%s is as it was answered', (_name, calls, history) => {
  expect(checkWrites(calls, { history, atEnd: no })).toEqual([]);
});

describe('a finding for', () => {
  const others = [call({ value: 'w', ...failed }), call({ value: 'y', ...failed })];
  test.each<[string, CallRecord, WatchEvent[], string]>([
    [
      'a lost put',
      call({ revision: 5 }),
      [event(4, 'w'), event(6, 'y')],
      'The value "x" that a wrote to k was acknowledged at revision 5, but is not in the history of the store.',
    ],
    [
      'a lost swap',
      call({ ...swap, swapped: true, revision: 5 }),
      [event(4, 'w')],
      'The value "x" that a wrote to k was acknowledged at revision 5, but is not in the history of the store.',
    ],
    [
      'a put with another revision',
      call({ revision: 5 }),
      [event(6, 'x')],
      'The value "x" that a wrote to k was acknowledged at revision 5, but is at k at revision 6.',
    ],
    [
      'a put to another key',
      call({ revision: 5 }),
      [event(5, 'x', 'l')],
      'The value "x" that a wrote to k was acknowledged at revision 5, but is at l at revision 5.',
    ],
    [
      'a failed put to another key',
      call(failed),
      [event(5, 'x', 'l')],
      'The value "x" that a wrote to k is at l at revision 5.',
    ],
    [
      'a put that was carried out twice',
      call({ revision: 5 }),
      [event(5, 'x'), event(7, 'x')],
      'The value "x" that a wrote once to k is in the history 2 times: at k at revision 5, at k at revision 7.',
    ],
    [
      'a failed put that was carried out twice',
      call(failed),
      [event(5, 'x'), event(7, 'x')],
      'The value "x" that a wrote once to k is in the history 2 times: at k at revision 5, at k at revision 7.',
    ],
    [
      'a refused swap that was carried out',
      call({ ...swap, swapped: false }),
      [event(5, 'x')],
      'The swap of "w" to "x" by a at k was refused, but is at k at revision 5.',
    ],
    [
      'a value that nobody wrote',
      call(failed),
      [event(5, 'X')],
      'The history has "X" at k at revision 5, which no client wrote.',
    ],
  ])('%s', (_name, one, history, what) => {
    const findings = checkWrites([...others, one], { history, atEnd: no });
    expect(findings).toEqual([{ check: 'writes', what, at: expect.any(Number) }]);
  });
});

describe('at the end a key', () => {
  const calls = [call({ value: 'x', ...failed }), call({ value: 'y', ...failed })];
  const holds = (value: string | null, history: WatchEvent[]) =>
    checkWrites(calls, { history, atEnd: new Map([['k', value]]) }).map(({ what }) => what);

  test('holds what was written last', () => {
    expect(holds('y', [event(5, 'x'), event(6, 'y')])).toEqual([]);
    expect(holds('y', [event(6, 'y'), event(5, 'x')])).toEqual([]);
    expect(holds(null, [])).toEqual([]);
    expect(holds(null, [event(5, 'x'), gone(6)])).toEqual([]);
  });

  test('holds anything else', () => {
    expect(holds('x', [event(5, 'x'), event(6, 'y')])).toEqual([
      'At the end k holds "x", but "y" by the history since revision 6.',
    ]);
    expect(holds('x', [])).toEqual(['At the end k holds "x", but no value by the history.']);
    expect(holds(null, [event(5, 'x')])).toHaveLength(1);
    expect(holds('x', [event(5, 'x'), gone(6)])).toHaveLength(1);
  });
});
