import { describe, expect, test } from 'vitest';
import { nearest } from '../../../src/config/nearest.ts';
import { options } from '../../../src/config/options.ts';

const names = options.map(({ name }) => name);

describe('the nearest setting', () => {
  test.each([
    ['endpoint', 'endpoints'],
    ['ca-cert', 'cacert'],
    ['checkInterval', 'check-interval'],
    ['check_fast_interval', 'check-fast-interval'],
    ['kye', 'key'],
    ['yek', undefined],
    ['ky', 'key'],
    ['log-levle', 'log-level'],
    ['data-dir', undefined],
    ['', undefined],
  ])('%s: %s', (word, meant) => {
    expect(nearest(word, names)).toBe(meant);
  });

  test('is the closest, not the first', () => {
    expect(nearest('check-rice', ['check-fall', 'check-ice', 'check-rise', 'check-ride'])).toBe(
      'check-ice',
    );
  });
});
