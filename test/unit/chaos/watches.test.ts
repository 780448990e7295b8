import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkWatch } from '../../chaos/check/watches.ts';
import type { WatchEvent, WatchRecord } from '../../chaos/clients/record.ts';

const event = (revision: number, at = revision * 10, key = `/w/${revision}`): WatchEvent => ({
  ...{ revision, type: 'put', key, value: `v${revision}`, at },
});
const watch = (events: WatchEvent[], of: Partial<WatchRecord> = {}): WatchRecord => ({
  ...{ kind: 'watch', watcher: 'watch 1', prefix: '/w/', from: 3, events, resumed: [], ...of },
});
const history = [1, 2, 3, 4, 5, 6].map((revision) => event(revision));
const all = [3, 4, 5, 6].map((revision) => event(revision));
const what = (record: WatchRecord, truth = history, until = 6) =>
  checkWatch(record, truth, until).map((finding) => finding.what);

describe('nothing is found', () => {
  test('in a watch that was told everything', () => {
    expect(what(watch(all))).toEqual([]);
    expect(what(watch(all, { resumed: [45, 55] }))).toEqual([]);
  });

  test('where others have a key of their own', () => {
    expect(what(watch(all), [...history, event(7, 70, '/other/7')], 7)).toEqual([]);
  });

  test('where keys of one revision come in any order', () => {
    const transaction = [event(7, 70, '/w/a'), event(7, 70, '/w/b')];
    const record = watch([...all, ...transaction.toReversed()]);
    expect(what(record, [...history, ...transaction], 7)).toEqual([]);
  });

  test('beyond what is known', () => {
    expect(what(watch(all.slice(0, 2)), history, 4)).toEqual([]);
    expect(what(watch([...all, event(7)]))).toEqual([]);
  });
});

describe('a finding for', () => {
  test.each<[string, WatchRecord, string]>([
    [
      'a resume that skips one',
      watch([event(3), event(4), event(6)], { resumed: [55] }),
      'watch 1 of /w/ was not told 1 event (put of "v5" to /w/5 at revision 5), across resume 1 of 1.',
    ],
    [
      'a gap with no resume near',
      watch([event(3), event(4), event(6)], { resumed: [15, 25] }),
      'watch 1 of /w/ was not told 1 event (put of "v5" to /w/5 at revision 5), 15.0 ms after resume 2 of 2, and none since.',
    ],
    [
      'a gap before the first resume',
      watch([event(3), event(5), event(6)], { resumed: [55] }),
      'watch 1 of /w/ was not told 1 event (put of "v4" to /w/4 at revision 4), before it first resumed.',
    ],
    [
      'a wide gap',
      watch([event(3), event(6)]),
      'watch 1 of /w/ was not told 2 events (revision 4 to 5, the first a put of "v4" to /w/4), and never resumed.',
    ],
    [
      'a gap at the beginning',
      watch(all.slice(1)),
      'watch 1 of /w/ was not told 1 event (put of "v3" to /w/3 at revision 3), and never resumed.',
    ],
    [
      'silence up to the end',
      watch(all.slice(0, 2), { resumed: [41] }),
      'watch 1 of /w/ was not told 2 events (revision 5 to 6, the first a put of "v5" to /w/5), across resume 1 of 1.',
    ],
    [
      'a resume that goes back',
      watch([...all.slice(0, 3), event(4, 56), event(5, 57), event(6)], { resumed: [55] }),
      'watch 1 of /w/ was told 2 events (revision 4 to 5, the first a put of "v4" to /w/4) a second time, across resume 1 of 1.',
    ],
    [
      'an event told again after later ones',
      watch([event(3), event(4), event(5), event(4, 52), event(6)], { resumed: [45] }),
      'watch 1 of /w/ was told 1 event (put of "v4" to /w/4 at revision 4) a second time, across resume 1 of 1.',
    ],
    [
      'disorder',
      watch([event(3), event(5), event(4, 52), event(6)], { resumed: [49] }),
      'watch 1 of /w/ was told 1 event (put of "v4" to /w/4 at revision 4) after later ones, 1.0 ms after resume 1 of 1, and none since.',
    ],
    [
      'an event that is not in the history',
      watch([event(3), event(3, 30, '/w/x'), ...all.slice(1)]),
      'watch 1 of /w/ was told 1 event (put of "v3" to /w/x at revision 3) that the history does not have, and never resumed.',
    ],
    [
      'an event with another value',
      watch(all.with(1, { ...event(4), value: 'X' })),
      'watch 1 of /w/ was told 1 event (put of "X" to /w/4 at revision 4) in another way than the history has it, and never resumed.',
    ],
    [
      'a delete told as a put',
      watch(all.with(1, { ...event(4), type: 'delete' })),
      'watch 1 of /w/ was told 1 event (delete of /w/4 at revision 4) in another way than the history has it, and never resumed.',
    ],
    [
      'an event before its first revision',
      watch([event(2), ...all]),
      'watch 1 of /w/ was told 1 event (put of "v2" to /w/2 at revision 2) from before its first revision, and never resumed.',
    ],
    [
      'an event of others',
      watch([event(3), event(3, 30, '/other'), ...all.slice(1)]),
      'watch 1 of /w/ was told 1 event (put of "v3" to /other at revision 3) of a key that is not of its prefix, and never resumed.',
    ],
    [
      'a lost watch',
      watch(all, { lost: 'compacted' }),
      'watch 1 of /w/ has given up after revision 6: compacted.',
    ],
  ])('%s', (_name, record, words) => {
    expect(what(record)).toEqual([words]);
  });

  test('a part of a transaction', () => {
    const transaction = [event(7, 70, '/w/a'), event(7, 70, '/w/b')];
    const record = watch([...all, event(7, 70, '/w/b')]);
    expect(what(record, [...history, ...transaction], 7)).toEqual([
      'watch 1 of /w/ was not told 1 event (put of "v7" to /w/a at revision 7), and never resumed.',
    ]);
  });

  test('each of several faults, and when it was', () => {
    const record = watch([event(3), event(3, 35), event(6)], { lost: 'refused' });
    expect(checkWatch(record, history, 6).map(({ at }) => at)).toEqual([35, 60, 60]);
    expect(checkWatch(watch([], { lost: 'refused' }), history, 6)).toEqual([
      { check: 'watches', what: expect.stringContaining('revision 3 to 6') },
      { check: 'watches', what: 'watch 1 of /w/ has given up before its first event: refused.' },
    ]);
  });
});

/** Revisions of one to three keys, some of them of others. */
const truths = fc
  .array(fc.array(fc.constantFrom('/w/a', '/w/b', '/v'), { minLength: 1, maxLength: 3 }), {
    ...{ minLength: 2, maxLength: 40 },
  })
  .map((revisions) =>
    revisions.flatMap((keys, index) =>
      [...new Set(keys)].map((key) => event(index + 1, index * 10, key)),
    ),
  );

test('what is told right passes, and no fault put into it does', () => {
  const faults = fc.constantFrom('none', 'drop', 'double', 'exchange', 'change');
  fc.assert(
    fc.property(truths, faults, fc.nat(), (truth, fault, choice) => {
      const told = truth.filter(({ key, revision }) => key !== '/v' && revision >= 3);
      const index = choice % told.length;
      const [one, next] = [told[index], told[index + 1]];
      fc.pre(one !== undefined);
      const cases: Record<string, WatchEvent[] | undefined> = {
        none: told,
        drop: told.toSpliced(index, 1),
        double: [...told, one],
        exchange:
          next && next.revision !== one.revision ? told.toSpliced(index, 2, next, one) : told,
        change: told.with(index, { ...one, value: 'X' }),
      };
      const events = cases[fault] ?? [];
      const found = checkWatch(watch(events, { resumed: [100] }), truth, truth.length);
      expect(found).toHaveLength(events === told ? 0 : 1);
    }),
    { numRuns: 500 },
  );
});
