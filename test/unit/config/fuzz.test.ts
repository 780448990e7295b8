/**
 * Whatever stands in a configuration file, in the environment or on the command line: settings, or a
 * `ConfigError` of one sentence. fast-check prints the seed of what fails.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadInput, loadSettings } from '../../../src/config/load.ts';
import { envName, options } from '../../../src/config/options.ts';
import { ConfigError } from '../../../src/lib/setting-error.ts';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'etcd-lb-fuzz-'));
  file = join(folder, 'etcd-lb.yaml');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Fails for any other error, and for a message that is not one line and one sentence. */
function load(input: LoadInput): void {
  try {
    loadSettings(input);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(/^\P{Cc}{3,}[.?]$/u);
  }
}

function loadFile(content: string | Uint8Array): void {
  writeFileSync(file, content);
  load({ flags: { config: file }, env: {} });
}

const names = options.map(({ name }) => name);
const name = fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 12 }));

/** Texts as people write them into settings, and what may go wrong there. */
const value = fc.oneof(
  fc.constantFrom(
    ...['', ' ', '0', '-1', '1e9', '007', '99999999999999999999', 'on', 'off', 'auto', 'none', '~'],
    ...['250ms', '2s', '1.5h', '10', 'static', 'members', 'leader', 'least-calls', 'terminate'],
    ...['127.0.0.1:2379', ':2379', '[::1]:2379', '[::1', 'unix:/run/x', 'unix:x', ':::', 'a:b:c'],
    ...['http://10.0.0.1:2379', 'm0=http://a', 'https://a/b', 'http://u:p@a', 'm0=2', 'a=b=c', '='],
    ...[
      'root:root',
      '0:0',
      ':',
      '/dev/null',
      '/',
      '/nowhere\n',
      'http://{host}:2381',
      '{host}',
      '%',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ maxLength: 300 }),
);

const tokens = fc.array(
  fc.oneof(
    fc.constantFrom(
      ...[
        '\n',
        '\n  ',
        ' ',
        '\t',
        ': ',
        ':',
        '- ',
        '? ',
        '# ',
        ', ',
        '"',
        "'",
        '\\',
        '|\n',
        '>-\n',
      ],
      ...[
        '&a ',
        '*a',
        '<<',
        '!!binary ',
        '!x ',
        '[',
        ']',
        '{',
        '}',
        '---\n',
        '...\n',
        '%YAML 1.2\n',
      ],
      ...['\r', '\0', '\uFEFF', '\u2028', '@', '`', 'null', 'listen', 'endpoints', '127.0.0.1:1'],
    ),
    name,
    value,
  ),
  { maxLength: 40 },
);

describe('a file', () => {
  test('of a few known settings with any values', () => {
    const entry = fc.tuple(
      fc.constantFrom(...names),
      fc.oneof(value, fc.array(value, { maxLength: 4 })),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 2 }), (entries) => {
        const all = Object.fromEntries([['endpoints', 'http://10.0.0.1:2379'], ...entries]);
        loadFile(JSON.stringify(all));
      }),
      { numRuns: 3_000 },
    );
  });

  test('of known settings with any values', () => {
    const entry = fc.tuple(name, fc.oneof(value, fc.array(value, { maxLength: 4 })));
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), (entries) => {
        const lines = entries.map((each) => each.map((part) => JSON.stringify(part)).join(': '));
        loadFile(lines.join('\n'));
      }),
      { numRuns: 2_000 },
    );
  });

  test('of anything that YAML is made of', () => {
    fc.assert(
      fc.property(tokens, (parts) => loadFile(parts.join(''))),
      { numRuns: 3_000 },
    );
  });

  test('of any shape', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (content) => loadFile(JSON.stringify(content))),
      {
        numRuns: 500,
      },
    );
  });

  test('of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (content) => loadFile(content)),
      {
        numRuns: 1_000,
      },
    );
  });

  test.each([
    ['brackets', '['.repeat(50_000)],
    ['maps', '{a: '.repeat(20_000)],
    ['lists', '- '.repeat(20_000)],
    [
      'lines, each further in',
      Array.from({ length: 2_000 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'),
    ],
    ['names that stand for nine others, nine deep', laughs(9, 9)],
  ])('of very many %s', (_, content) => loadFile(content));
});

test('a file without an end, as any that is longer than 1 MiB, is refused', () => {
  writeFileSync(file, `# ${'x'.repeat(1024 * 1024)}\nendpoints: http://10.0.0.1:2379\n`);
  for (const path of [file, '/dev/zero']) {
    const load = () => loadSettings({ flags: { config: path }, env: {} });
    expect(load).toThrow(`--config: ${path} cannot be read: it is longer than 1 MiB; `);
  }
});

test('any environment', () => {
  const variable = fc.oneof(
    fc.constantFrom(...names.map(envName)),
    fc.string({ maxLength: 12 }).map((rest) => `ETCD_LB_${rest}`),
  );
  fc.assert(
    fc.property(fc.dictionary(variable, value, { maxKeys: 8 }), (env) => load({ flags: {}, env })),
    { numRuns: 2_000 },
  );
});

test('any command line', () => {
  const flags = fc.dictionary(
    fc.constantFrom(...names),
    fc.oneof(value, fc.array(value, { maxLength: 4 })),
    { maxKeys: 8 },
  );
  fc.assert(
    fc.property(flags, (given) => load({ flags: given, env: {} })),
    { numRuns: 2_000 },
  );
});

/** `width` names for the line before, `depth` times. */
function laughs(width: number, depth: number): string {
  const lines = Array.from({ length: depth }, (_, level) => {
    const before = level === 0 ? '"ha"' : `*l${level - 1}`;
    return `l${level}: &l${level} [${Array(width).fill(before).join(', ')}]`;
  });
  return lines.join('\n');
}
