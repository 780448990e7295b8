import { expect, test } from 'vitest';
import { Descriptors } from '../../../src/app/descriptors.ts';
import type { EventBody } from '../../../src/observe/events/event-log.ts';

test('is told once when they are short and once when they suffice, looking once a second', () => {
  const told: EventBody[] = [];
  let limit = 1000;
  const subject = new Descriptors(
    (body) => told.push(body),
    () => limit,
  );
  subject.beat(427, 0);
  expect(told).toEqual([]);
  subject.beat(428, 999);
  expect(told).toEqual([]); // not looked yet
  subject.beat(428, 1000);
  subject.beat(480, 2000);
  limit = 2000;
  subject.beat(480, 3000);
  expect(told.map(({ kind }) => kind)).toEqual(['descriptors-short', 'descriptors-back']);
  expect(told[0]?.message).toBe(
    'file descriptors are short: 428 clients need two each and the limit is 1000 (EMFILE for further ones); raise ulimit -n',
  );
});

test('the limit of this very process is read', () => {
  const told: EventBody[] = [];
  new Descriptors((body) => told.push(body)).beat(1_000_000_000, 0);
  expect(told[0]?.fields['limit']).toBeGreaterThan(0);
});
