import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exitCodeOf, type Finding, inOrder, severities } from '../../../src/diagnose/finding.ts';

const anyFindings = fc.array(
  fc.record({
    severity: fc.constantFrom(...severities),
    subject: fc.constantFrom('m0', 'm1', 'm2'),
    seen: fc.constantFrom('one', 'another'),
    why: fc.constant('It matters.'),
    mend: fc.constant('Mend it.'),
  }),
);

test('the worst comes first, and nothing is lost', () => {
  fc.assert(
    fc.property(anyFindings, (findings) => {
      const ordered = inOrder(findings);
      const ranks = ordered.map(({ severity }) => severities.indexOf(severity));
      expect(ranks).toEqual(ranks.toSorted());
      const said = (all: readonly Finding[]) =>
        all
          .flatMap(({ severity, subject, seen }) =>
            subject.split(', ').map((each) => `${severity} ${each} ${seen}`),
          )
          .toSorted();
      expect(said(ordered)).toEqual(said(findings));
      expect(new Set(ordered.map(({ severity, seen }) => severity + seen)).size).toBe(
        ordered.length,
      );
    }),
  );
});

test('the exit code is that of the worst', () => {
  const of = (...all: Finding['severity'][]) =>
    exitCodeOf(all.map((severity) => ({ severity, subject: '', seen: '', why: '', mend: '' })));
  expect([of(), of('note'), of('note', 'warning'), of('error', 'note')]).toEqual([0, 0, 1, 2]);
});
