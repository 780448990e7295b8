import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ineligibilityOf } from '../../../../src/etcd/status/eligibility.ts';
import { someFacts } from '../../../support/described-cluster.ts';

const { clusterId } = someFacts;

test('a member of the cluster that votes and keeps up may serve', () => {
  expect(ineligibilityOf(someFacts, clusterId, someFacts, 10)).toBeUndefined();
  expect(ineligibilityOf(someFacts, undefined, undefined, 10)).toBeUndefined();
});

test('a learner must not, whatever else is known', () => {
  const learner = { ...someFacts, isLearner: true };
  expect(ineligibilityOf(learner, undefined, undefined, 0)).toMatchObject({
    ...{ reason: 'learner', isExcluded: true },
  });
});

test('nor one of another cluster, and both are named', () => {
  const other = { ...someFacts, clusterId: 'c2' };
  const ineligibility = ineligibilityOf(other, clusterId, someFacts, 0);
  expect(ineligibility).toMatchObject({ reason: 'other-cluster', isExcluded: true });
  expect(ineligibility?.detail).toMatch(/cluster c2 and clients to c1/);
});

test('nor one whose data is corrupt; that of another is no fault of its own', () => {
  const alarms = [{ kind: 'CORRUPT', memberId: 'b' }];
  expect(ineligibilityOf({ ...someFacts, alarms }, clusterId, someFacts, 0)).toBeUndefined();
  expect(
    ineligibilityOf({ ...someFacts, memberId: 'b', alarms }, clusterId, someFacts, 0),
  ).toMatchObject({
    ...{ reason: 'corrupt', isExcluded: true },
  });
});

test('a full disk is no reason: reads, and the deletes that cure it, still work', () => {
  const alarms = [{ kind: 'NOSPACE', memberId: 'a' }];
  expect(ineligibilityOf({ ...someFacts, alarms }, clusterId, someFacts, 0)).toBeUndefined();
});

test('one that lags is left alone for new connections only, and exactly beyond the bound', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.nat(1_000), fc.nat(100), (leading, applied, maxLag) => {
      const leader = { ...someFacts, appliedIndex: leading };
      const status = { ...someFacts, memberId: 'b', appliedIndex: applied };
      const ineligibility = ineligibilityOf(status, clusterId, leader, maxLag);
      if (maxLag > 0 && leading - applied > maxLag) {
        expect(ineligibility).toMatchObject({ reason: 'lagging', isExcluded: false });
      } else {
        expect(ineligibility).toBeUndefined();
      }
    }),
  );
});

test('what came in after a member was asked is no lag', () => {
  const leader = { ...someFacts, appliedIndex: 1_000, at: 2 };
  const status = { ...someFacts, memberId: 'b', appliedIndex: 0, at: 1 };
  expect(ineligibilityOf(status, clusterId, leader, 10)).toBeUndefined();
  expect(ineligibilityOf({ ...status, at: 2 }, clusterId, leader, 10)).toMatchObject({
    reason: 'lagging',
  });
});
