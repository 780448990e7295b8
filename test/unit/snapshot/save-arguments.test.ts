import { expect, test } from 'vitest';
import { saveArguments } from '../../../src/app/snapshots/save-arguments.ts';
import { loadSettings } from '../../../src/config/load.ts';

const settings = (flags: Readonly<Record<string, string>> = {}) =>
  loadSettings({ flags: { endpoints: 'http://10.0.0.1', ...flags }, env: {} }).settings;

test('the command is told the members of now, each once, and what it takes to reach them', () => {
  const members = [
    { name: 'cp1', endpoint: 'https://10.0.0.1:2379' },
    { name: '10.0.0.2:2379', endpoint: 'https://10.0.0.2:2379' },
    { name: '10.0.0.3:2379', endpoint: 'https://10.0.0.2:2379' }, // another address of one host
  ];
  const given = {
    ...settings(),
    certificateFiles: { cacert: 'ca', cert: 'c', key: 'k' },
    snapshotMaxRate: 5,
  };
  expect(saveArguments('/backup/x.db', members, given)).toEqual([
    '/backup/x.db',
    ...['--endpoints', 'cp1=https://10.0.0.1:2379,https://10.0.0.2:2379'],
    ...['--cacert', 'ca', '--cert', 'c', '--key', 'k', '--max-rate', '5B'],
    ...['--admin-socket', '/run/etcd-lb/admin.sock'],
  ]);
});

test.each([
  ['off', 'off'],
  ['/run/x.sock', '/run/x.sock'],
])('with --admin-socket %s it asks the same', (given, told) => {
  const args = saveArguments('x', [], settings({ 'admin-socket': given }));
  expect(args.slice(-2)).toEqual(['--admin-socket', told]);
});
