import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../src/diagnose/finding.ts';
import { reportOf, tableOf, wrap } from '../../../src/diagnose/report.ts';

const error: Finding = {
  severity: 'error',
  subject: 'm1',
  seen: 'cannot be reached: connect ECONNREFUSED 10.0.0.2:2379',
  why: 'Clients get nothing from it.',
  mend: 'Start etcd there, or correct its address in --endpoints.',
};
const note: Finding = { ...error, severity: 'note', subject: 'cluster', seen: 'three members' };

describe('the table', () => {
  test('has three lines a finding and a summary', () => {
    expect(tableOf([error, note], 3, 80)).toBe(`\
error    m1: cannot be reached: connect ECONNREFUSED 10.0.0.2:2379
  why    Clients get nothing from it.
  fix    Start etcd there, or correct its address in --endpoints.

note     cluster: three members
  why    Clients get nothing from it.
  fix    Start etcd there, or correct its address in --endpoints.

3 members asked: 1 error, no warnings, 1 note.
`);
  });

  test('is the summary alone when there is nothing to say', () => {
    expect(tableOf([], 1, 80)).toBe('1 member asked: no errors, no warnings, no notes.\n');
  });

  test('keeps within the width of the terminal', () => {
    const text = tableOf([error], 1, 50);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(50);
    expect(text).toContain('error    m1: cannot be reached: connect\n         ECONNREFUSED');
  });

  test('shows no control characters of what a member said', () => {
    const table = tableOf([{ ...error, seen: 'answered\u001b[2J\r\n500' }], 1, 80);
    expect(table).toContain('m1: answered [2J 500\n');
  });
});

test('wrapping loses no word and breaks none', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[!-~]{1,20}$/)),
      fc.integer({ min: 5, max: 40 }),
      (words, width) => {
        const lines = wrap(words.join(' '), width);
        expect(lines.join(' ')).toBe(words.join(' '));
        for (const line of lines) expect(line.length <= width || !line.includes(' ')).toBe(true);
      },
    ),
  );
});

test('JSON has the findings and the exit code', () => {
  expect(reportOf([error, note])).toEqual({ exitCode: 2, findings: [error, note] });
});
