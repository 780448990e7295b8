import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readFile } from '../../../../src/config/sources/file.ts';
import { folderWith } from '../folder.ts';
import { refused } from '../refused.ts';

function file(text: string): string {
  return join(folderWith({ 'lb.yaml': text }), 'lb.yaml');
}

describe('the file', () => {
  test('keeps texts as they are written, with their places', () => {
    const path = file('# ours\nlisten: :2379\nsocket-mode: 0660\nobserve:   off\n');
    expect([...readFile(path)]).toEqual([
      ['listen', { value: ':2379', origin: { from: 'file', detail: `${path}:2:9` } }],
      ['socket-mode', { value: '0660', origin: { from: 'file', detail: `${path}:3:14` } }],
      ['observe', { value: 'off', origin: { from: 'file', detail: `${path}:4:12` } }],
    ]);
  });

  test.each(['endpoints: [a, b]', 'endpoints:\n  - a\n  - "b"', '{"endpoints": ["a", "b"]}'])(
    'has lists as YAML or JSON has them: %j',
    (text) => {
      expect(readFile(file(text)).get('endpoints')?.value).toEqual(['a', 'b']);
    },
  );

  test.each(['', '# nothing\n', '---\n', '{}'])('may be empty: %j', (text) => {
    expect(readFile(file(text)).size).toBe(0);
  });
});

describe('the file is refused, with line and column,', () => {
  const hint = 'correct it, and put values with [, {, # or ": " into quotes.';

  test.each([
    ['a: b\n', ':1:1: "a" is not a setting; remove it.'],
    ['listen: :1\n\nendpoint: a\n', ':3:1: "endpoint" is not a setting; did you mean "endpoints"?'],
    ['config: a.yaml\n', ':1:1: "config" is not a setting; remove it.'],
    ['? [listen]\n: a\n', ':1:3: '],
    ['listen: "x\n', ':2:1: not valid YAML (Missing closing "quote)'],
    ['listen: [::1]:2379\n', `:1:14: not valid YAML (Unexpected scalar at node end); ${hint}`],
    ['listen: a\nlisten: b\n', ':2:1: not valid YAML (Map keys must be unique)'],
    ['listen:\n\t- a\n', ':2:1: not valid YAML (Tabs are not allowed as indentation)'],
    ['- listen\n', ':1:1: not a map; write lines of "name: value".'],
    ['listen\n', ':1:1: not a map; write lines of "name: value".'],
    [
      'listen:\n  a: b\n',
      ':2:3: listen: neither a value nor a list of values; write one or the other.',
    ],
    ['listen:\n  - a: b\n', ':2:3: listen: neither a value nor a list of values'],
    ['listen: *a\n', ':1:9: '],
    [
      'endpoints: a\ncheck-rise: many\n',
      ':2:13: check-rise: "many" is not a number of 1 or more; write one, such as 2.',
    ],
    ['endpoints: a\ncheck-rise: [1, 2]\n', ':2:13: check-rise: takes one value, not a list.'],
    [
      'endpoints: a\ncheck-rise:\n',
      ':2:12: check-rise: is empty; write a value, or leave it out for the default.',
    ],
    [
      'endpoints: a\nlisten: []\n',
      ':2:9: listen: is empty; write a value, or leave it out for the default.',
    ],
  ])('%j', (text, message) => {
    const path = file(text);
    expect(refused({ config: path })).toMatch(new RegExp(`^${RegExp.escape(path + message)}`));
  });

  test('or when it cannot be read', () => {
    expect(refused({ config: '/no/such.yaml' })).toBe(
      '--config: /no/such.yaml cannot be read: no such file or directory; write the path of a file that this user may read.',
    );
    expect(refused({}, { ETCD_LB_CONFIG: '/' })).toBe(
      'ETCD_LB_CONFIG: / cannot be read: illegal operation on a directory; write the path of a file that this user may read.',
    );
  });
});
