import { expect, test } from 'vitest';
import { Descriptors } from '../../../../src/app/housekeeping/descriptors.ts';
import { describe, type Event } from '../../../../src/observe/events/event.ts';

test('is told once when they are short and once when they suffice, looking once a second', () => {
  const told: Event[] = [];
  let limit = 1000;
  const subject = new Descriptors(
    (event) => told.push(event),
    1,
    () => limit,
  );
  subject.tick(427, 0);
  expect(told).toEqual([]);
  subject.tick(428, 999);
  expect(told).toEqual([]); // not looked yet
  subject.tick(428, 1000);
  subject.tick(480, 2000);
  limit = 2000;
  subject.tick(480, 3000);
  expect(told.map(({ kind }) => kind)).toEqual(['descriptors-short', 'descriptors-back']);
  expect(told.map((event) => describe(event).message)[0]).toBe(
    'file descriptors are short: 428 clients need two each and the limit is 1000 (EMFILE for further ones); raise ulimit -n',
  );
});

test('the limit of this very process is read', () => {
  const told: Event[] = [];
  new Descriptors((event) => told.push(event), 1).tick(1_000_000_000, 0);
  const [event] = told;
  expect(event?.kind === 'descriptors-short' && event.limit).toBeGreaterThan(0);
});
