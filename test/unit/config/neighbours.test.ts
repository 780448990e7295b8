import { describe, expect, test } from 'vitest';
import { neighbourOf, neighbours } from '../../../src/config/neighbours.ts';
import { options } from '../../../src/config/options.ts';

const ours = new Set(options.map(({ name }) => name));

describe.each(Object.entries(neighbours))("a neighbour's --%s", (name, [owner, advice]) => {
  test('is no setting of ours, and is answered with one', () => {
    expect(ours.has(name)).toBe(false);
    const flags = [...advice.matchAll(/--([a-z-]+)/g)].map(([, flag = '']) => flag);
    expect(flags.length).toBeGreaterThan(0);
    for (const flag of flags) expect(ours).toContain(flag);
    expect(neighbourOf(name)).toBe(`is ${owner}'s; write ${advice}`);
  });
});

test('a name that nobody has', () => {
  expect(neighbourOf('frobnicate')).toBeUndefined();
  expect(neighbourOf('constructor')).toBeUndefined();
});
