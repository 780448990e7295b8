import { expect, test } from 'vitest';
import type { Observation } from '../../../../src/diagnose/observation.ts';
import { findInAdvertised } from '../../../../src/diagnose/rules/advertised.ts';
import { cluster, withFacts } from '../observations.ts';

/** Three members, of which the last is listed with this URL. */
function advertising(url: string, size = 3): Observation[] {
  const members = Array.from({ length: 3 }, (_, index) => ({
    id: String(index),
    name: `m${index}`,
    clientUrls: [index === 2 ? url : `http://m${index}:2379`],
    isLearner: false,
  }));
  return cluster(3)
    .map((each) => withFacts(each, { members }))
    .slice(0, size);
}

test('good URLs are nothing to tell, also of a member that nobody named', () => {
  expect(findInAdvertised(advertising('http://m2:2379'), 'static')).toEqual([]);
  expect(findInAdvertised(advertising('http://m2:2379', 2), 'members')).toEqual([]);
  expect(findInAdvertised([], 'members')).toEqual([]);
});

test('one that nobody else can reach is a note while the member is used all the same', () => {
  expect(findInAdvertised(advertising('http://127.0.0.1:2379'), 'members')).toEqual([
    {
      severity: 'note',
      subject: 'm2',
      seen: 'advertises no client URL that others can use: http://127.0.0.1:2379 is reached on its own host only',
      why: 'It is used at m2:2379, but clients that follow the list of the cluster cannot reach it.',
      mend: 'Start that etcd with --advertise-client-urls that other hosts can reach.',
    },
  ]);
});

test('and a warning where the list is followed and no endpoint leads there', () => {
  const severities = (discovery: 'members' | 'static') =>
    findInAdvertised(advertising('http://127.0.0.1:2379', 2), discovery).map(
      (each) => each.severity,
    );
  expect([severities('members'), severities('static')]).toEqual([['warning'], ['note']]);
});
