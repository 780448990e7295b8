/** The members that an operator wants drained, and the file that remembers them. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Drains } from '../../../src/state/drains.ts';

const m0 = { name: 'm0', endpoint: 'http://10.0.0.1:2379' };
const m1 = { name: 'm1', endpoint: 'http://10.0.0.2:2379' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'etcd-lb-drains-'));
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

test('what was added is there after a restart, what was taken back is not', async () => {
  const first = new Drains(folder);
  expect(first.load()).toEqual({ kind: 'none' });
  const at = new Date('2026-11-23T12:00:00.000Z');
  expect(await first.add(m0, at)).toBeUndefined();
  expect(await first.add(m1, at)).toBeUndefined();
  const second = new Drains(folder);
  const since = at.toISOString();
  expect(second.load()).toMatchObject({
    kind: 'found',
    drains: [
      { ...m0, since },
      { ...m1, since },
    ],
  });
  expect(await second.remove(m0)).toBeUndefined();
  const third = new Drains(folder);
  third.load();
  expect([third.of(m0), third.of(m1)]).toEqual([undefined, { ...m1, since }]);
  expect(readdirSync(folder)).toEqual(['drains.json']); // nothing half-written is left
});

test('a drain follows who is renamed, also when another takes the name', async () => {
  const drains = new Drains(folder);
  await drains.add(m0);
  await drains.rename(m0.endpoint, 'm1');
  await drains.rename(m1.endpoint, 'm0');
  expect(drains.of({ ...m0, name: 'm1' })).toMatchObject({ name: 'm1' });
  expect(drains.of({ ...m1, name: 'm0' })).toBeUndefined();
  const later = new Drains(folder);
  later.load();
  expect(later.all).toMatchObject([{ ...m0, name: 'm1' }]);
});

test('a member is the same by its name, and by its address', async () => {
  const drains = new Drains(folder);
  await drains.add(m0);
  expect(drains.of({ name: 'm0', endpoint: 'http://elsewhere:1' })).toMatchObject(m0);
  expect(drains.of({ name: 'renamed', endpoint: m0.endpoint })).toMatchObject(m0);
  expect(drains.of(m1)).toBeUndefined();
  await drains.add({ name: 'm0', endpoint: 'http://elsewhere:1' });
  expect(drains.all).toHaveLength(1);
});

test('without a directory it holds as long as the process, and says so', async () => {
  const drains = new Drains(undefined);
  expect(drains.load()).toEqual({ kind: 'none' });
  expect(await drains.add(m0)).toBe('there is no --state-dir to keep it in');
  expect(drains.of(m0)).toBeDefined();
});

describe('a file that is none of ours', () => {
  test.each([
    ['no JSON', '{"version": 1'],
    ['another version', JSON.stringify({ version: 2, savedAt: new Date(), drained: [] })],
    [
      'a field too many',
      JSON.stringify({
        version: 1,
        savedAt: new Date(),
        drained: [{ ...m0, since: new Date(), weight: 3 }],
      }),
    ],
    ['another shape', JSON.stringify({ version: 1, savedAt: new Date(), drained: ['m0'] })],
  ])('%s: is not used, and replaced by the next', async (_, text) => {
    const file = join(folder, 'drains.json');
    writeFileSync(file, text);
    const drains = new Drains(folder);
    expect(drains.load()).toMatchObject({ kind: 'unusable', file, why: expect.any(String) });
    expect(drains.all).toEqual([]);
    expect(await drains.add(m1)).toBeUndefined();
    expect(JSON.parse(readFileSync(file, 'utf8')).drained).toMatchObject([m1]);
  });
});

test('a directory that is gone is told, and the drain holds all the same', async () => {
  const drains = new Drains(folder);
  rmSync(folder, { recursive: true });
  expect(await drains.add(m0)).toMatch(/drains\.json cannot be written: ENOENT/);
  expect(drains.of(m0)).toBeDefined();
  new Drains(folder); // makes it again
});
