/** What a reload changes, and what it must leave to a restart. */
import { describe, expect, test } from 'vitest';
import { type Changes, changesBetween } from '../../../src/config/changes.ts';
import { loadSettings } from '../../../src/config/load.ts';
import { options } from '../../../src/config/options.ts';

const members = { endpoints: 'm0=http://10.0.0.1:2379,m1=http://10.0.0.2:2379' };
const load = (flags: Record<string, string> = {}) =>
  loadSettings({ flags: { ...members, ...flags }, env: {} });

function changes(before: Record<string, string>, after: Record<string, string>): Changes {
  const started = load(before);
  return changesBetween(started.settings, started.effective, started.effective, load(after));
}

test('nothing, where nothing differs', () => {
  const { changed, waiting, settings } = changes({}, {});
  expect({ changed, waiting }).toEqual({ changed: [], waiting: [] });
  expect(settings).toEqual(load().settings);
});

test('what may change does, in the order of the table', () => {
  const { settings, changed } = changes({}, { balance: 'random', 'check-interval': '2s' });
  expect(changed).toEqual(['check-interval', 'balance']);
  expect(settings).toEqual(load({ balance: 'random', 'check-interval': '2s' }).settings);
});

describe('what is read at the start only stays, and is named', () => {
  const others: Readonly<Record<string, string>> = {
    listen: '127.0.0.1:1',
    'reuse-port': 'on',
    'socket-mode': '0600',
    keepalive: '20s',
    'state-dir': '/var/lib/other',
    observe: 'off',
    'admin-socket': 'off',
    'log-format': 'json',
    discovery: 'members',
  };
  test.each(Object.entries(others))('%s', (name, value) => {
    expect(options.find((option) => option.name === name)?.fixed).toBe(true);
    const { settings, changed, waiting } = changes({}, { [name]: value, 'max-connections': '5' });
    expect({ changed, waiting }).toEqual({ changed: ['max-connections'], waiting: [name] });
    expect(settings).toEqual(load({ 'max-connections': '5' }).settings);
  });
});

test('one that is given again as it was at the start waits for nothing', () => {
  const started = load({ keepalive: '20s' });
  const now = load({ keepalive: '20s', balance: 'random' });
  const back = load({ keepalive: '20s' });
  const { changed, waiting } = changesBetween(now.settings, now.effective, started.effective, back);
  expect({ changed, waiting }).toEqual({ changed: ['balance'], waiting: [] });
});
