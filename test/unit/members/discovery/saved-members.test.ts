/** The state directory, on a real file system: also full, read-only and edited by hand. */
import { chmod, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DiscoveryChange } from '../../../../src/members/discovery/change.ts';
import { SavedMembers } from '../../../../src/members/discovery/saved-members.ts';
import type { Place } from '../../../../src/members/place.ts';

let folder: string;
let told: DiscoveryChange[];
beforeEach(async () => {
  told = [];
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-state-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const places: Place[] = [
  { name: 'm0', scheme: 'https', host: '10.0.0.1', port: 2379 },
  { name: 'm1', scheme: 'https', host: 'etcd.example', port: 2379, address: '10.0.0.2' },
  { name: 'm2', scheme: 'https', host: '::1', port: 2390, priority: 1, weight: 5 },
];

const savedIn = (directory: string): SavedMembers =>
  new SavedMembers(directory, (change) => told.push(change));

test('what was saved is what is loaded, in a directory that was made for it', async () => {
  const directory = join(folder, 'a/b');
  await savedIn(directory).save(places);
  expect(savedIn(directory).load(['https'])).toMatchObject(places);
  expect(told).toMatchObject([{ kind: 'state-used', members: places.length }]);
  expect(await readdir(directory)).toEqual(['members.json']);
});

test('nothing was saved yet', () => {
  expect(savedIn(folder).load(['https'])).toEqual([]);
  expect(told).toEqual([]);
});

test('the same list is written once, and not after it was loaded', async () => {
  const saved = savedIn(folder);
  await saved.save(places);
  const first = await readFile(saved.file, 'utf8');
  await new Promise((resolve) => setTimeout(resolve, 2));
  await saved.save(places);
  expect(await readFile(saved.file, 'utf8')).toBe(first);
  const restarted = savedIn(folder);
  restarted.load(['https']);
  await restarted.save(places);
  expect(await readFile(saved.file, 'utf8')).toBe(first);
});

test('of two lists at once the second is the one that stays', async () => {
  const saved = savedIn(folder);
  await Promise.all([saved.save(places.slice(0, 1)), saved.save(places)]);
  expect(savedIn(folder).load(['https'])).toMatchObject(places);
});

test.each([
  ['cut short', (text: string) => text.slice(0, -20), /JSON/],
  ['empty', () => '', /JSON/],
  ['another version', (text: string) => text.replace('"version": 1', '"version": 2'), /^version: /],
  [
    'no members',
    (text: string) => text.replace(/"members": \[[\s\S]*\]/, '"members": []'),
    /^members: /,
  ],
  [
    'a path in a URL',
    (text: string) => text.replace('10.0.0.1:2379', '10.0.0.1:2379/x'),
    /has a path/,
  ],
  ['no port', (text: string) => text.replace(':2379', ':99999'), /port "99999" is out of range/],
  [
    'a name as address',
    (text: string) => text.replace('"10.0.0.2"', '"there"'),
    /members\.1\.address/,
  ],
  ['a key of somebody else', (text: string) => text.replace('"name"', '"nom"'), /members\.0/],
])('%s: it is not used, and says why', async (_, edit, why) => {
  const saved = savedIn(folder);
  await saved.save(places);
  await writeFile(saved.file, edit(await readFile(saved.file, 'utf8')));
  expect(savedIn(folder).load(['https'])).toEqual([]);
  expect(told).toMatchObject([
    { kind: 'state-failing', doing: 'reading', why: expect.stringMatching(why) },
  ]);
  await saved.save(places.slice(1));
  expect(savedIn(folder).load(['https'])).toMatchObject(places.slice(1));
});

test('a list from before the cluster had TLS is not used after it', async () => {
  const plain = places.map((place) => ({ ...place, scheme: 'http' as const }));
  await savedIn(folder).save(plain);
  expect(savedIn(folder).load(['https'])).toEqual([]);
  const why = 'http://10.0.0.1:2379 is not https, as the settings want it';
  expect(told).toMatchObject([{ kind: 'state-failing', doing: 'reading', why }]);
  expect(savedIn(folder).load(['https', 'http'])).toMatchObject(plain);
});

test('a file that cannot be written is told of, and leaves what was there', async () => {
  const saved = savedIn(folder);
  await saved.save(places);
  // Something else stands in its place for a while, for root too.
  await rename(folder, `${folder}.aside`);
  await writeFile(folder, '');
  await saved.save(places.slice(1));
  await saved.save(places.slice(2));
  const why = expect.stringMatching(/ENOTDIR/);
  expect(told).toEqual([{ kind: 'state-failing', doing: 'saving', file: saved.file, why }]);
  await rm(folder);
  await rename(`${folder}.aside`, folder);
  expect(savedIn(folder).load(['https'])).toMatchObject(places);
  await saved.save(places.slice(1));
  expect(told.at(-1)).toEqual({ kind: 'state-back', file: saved.file });
});

test('a directory that cannot be made refuses the setting', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await chmod(file, 0o600);
  expect(() => savedIn(join(file, 'state'))).toThrow(/cannot be made \(ENOTDIR/);
});
