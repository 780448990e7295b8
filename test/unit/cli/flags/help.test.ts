/** What people see of `--help`, at 80 columns. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { exposedSecrets } from '../../../../src/certificates/certificates.ts';
import { createProgram } from '../../../../src/cli/program.ts';
import { loadSettings } from '../../../../src/config/load.ts';
import { groups, type OptionSpec, options } from '../../../../src/config/options.ts';
import type { Settings } from '../../../../src/config/settings.ts';
import { examine } from '../../../../src/diagnose/examine.ts';
import { gather } from '../../../../src/diagnose/probes/gather.ts';
import { parse } from '../program.ts';

const help = (...words: string[]): string => stripVTControlCharacters(parse(...words).text);
/** The flags that it describes. */
const flagsIn = (text: string): string[] =>
  [...text.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, name = '']) => name);
const settingsIn = (text: string): string[] =>
  flagsIn(text).filter((flag) => options.some(({ name }) => name === flag));
const names = (some: readonly OptionSpec[]): string[] => some.map(({ name }) => name);

describe.each(['run', 'config'])('%s --help', (command) => {
  test('shows the ten settings that matter, and says where the others are', () => {
    const text = help(command, '--help');
    expect(settingsIn(text)).toEqual(names(options.filter(({ isEssential }) => isEssential)));
    expect(settingsIn(text)).toHaveLength(10);
    expect(text).toContain(`ten of ${options.length} settings matter most; --help --all`);
  });

  test.each([[['--help', '--all']], [['--all', '--help']], [['--all', '-h']]])(
    '%s shows all of them under their groups',
    (words) => {
      const text = help(command, ...words);
      expect(settingsIn(text)).toEqual(names(options));
      const sections = text.split('\n\n').filter((section) => settingsIn(section).length > 0);
      expect(sections.map((section) => [section.split(':')[0], settingsIn(section)])).toEqual(
        groups.map((group) => [
          group.charAt(0).toUpperCase() + group.slice(1),
          names(options.filter((option) => option.group === group)),
        ]),
      );
      expect(text).not.toContain('matter most');
    },
  );
});

test('check --help shows the settings that check reads, and it takes all', async () => {
  const read = new Set<string>();
  const { settings } = loadSettings({
    flags: { endpoints: 'cp1=http://127.0.0.1:1' },
    env: {},
  });
  const watched: Settings = new Proxy(settings, {
    get: (target, key) => {
      read.add(String(key));
      return Reflect.get(target, key);
    },
  });
  examine(await gather(watched), watched, exposedSecrets(watched), 0);
  // Some settings are read together: `certificates` are what is in the files.
  const together: Readonly<Record<string, readonly string[]>> = {
    certificates: ['tlsCert', 'tlsKey', 'clientCa', 'cacert', 'cert', 'key'],
    certificateFiles: [],
    etcdUser: ['user', 'passwordFile'],
  };
  const keys = new Set(['config', ...[...read].flatMap((key) => together[key] ?? [key])]);
  expect(settingsIn(help('check', '--help'))).toEqual(
    names(options.filter(({ key }) => keys.has(key))),
  );
  expect(settingsIn(help('check', '--all', '--help'))).toEqual(names(options));
});

test('the commands come in three groups', () => {
  const text = help('--help');
  const titles = [...text.matchAll(/^(\S.*):\n/gm)].map(([, title]) => title);
  expect(titles).toEqual(['Options', 'Set up and run', 'Operate a running balancer', 'Other']);
});

describe.each(['', ...createProgram().commands.map((command) => command.name())])(
  'etcd-lb %s --help',
  (name) => {
    test.each([[['--help']], [['--help', '--all']]])('%s fits', (words) => {
      const text = help(...(name === '' ? [] : [name]), ...words);
      expect(text).toMatch(/^Usage: etcd-lb/);
      for (const line of text.split('\n')) {
        expect(line.length, line).toBeLessThanOrEqual(80);
      }
      // No sign of what is only between us and commander, and no member that is in no example.
      expect(text).not.toMatch(/\0|<[A-Z]|undefined|preset|\bm\d\b/);
    });
  },
);
