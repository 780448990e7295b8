/** The defects that chaos must find still have their places in the code. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { defects, spoil } from '../../chaos/defects.ts';

const root = new URL('../../..', import.meta.url).pathname;

test.each(defects.map((defect) => [defect.name, defect] as const))('%s', (_, defect) => {
  const text = readFileSync(`${root}/${defect.file}`, 'utf8');
  expect(spoil(text, defect)).not.toBe(text);
});
