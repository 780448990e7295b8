/** The members that an operator wants drained, and the files that remember them. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SettingError } from '../../../src/lib/setting-error.ts';
import { type Drainable, Drains } from '../../../src/members/drains.ts';

const m0 = { name: 'm0', endpoint: 'http://10.0.0.1:2379' };
const m1 = { name: 'm1', endpoint: 'http://10.0.0.2:2379' };
const patience = { interval: 5, timeout: 20_000 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'etcd-lb-drains-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const files = (): string[] => readdirSync(join(folder, 'drains'));
const names = (drains: Drains): string[] => drains.all.map(({ name }) => name).toSorted();

/** As a process that starts now would find them. */
function later(): Drains {
  const drains = new Drains(folder);
  drains.load();
  return drains;
}

test('what was added is there after a restart, what was taken back is not', async () => {
  const first = new Drains(folder);
  expect(first.load()).toEqual({ drains: [], unusable: [] });
  const at = new Date('2026-11-23T12:00:00.000Z');
  expect(await first.add(m0, at)).toBeUndefined();
  expect(await first.add(m1, at)).toBeUndefined();
  const second = new Drains(folder);
  const since = at.toISOString();
  const found = second.load();
  expect(found.unusable).toEqual([]);
  expect(found.drains).toEqual(
    expect.arrayContaining([
      { ...m0, since },
      { ...m1, since },
    ]),
  );
  expect(await second.remove(m0)).toBeUndefined();
  const third = later();
  expect([third.of(m0), third.of(m1)]).toEqual([undefined, { ...m1, since }]);
  expect(files()).toEqual([expect.stringMatching(/^[0-9a-f]{16}\.json$/)]); // nothing half-written is left
});

test('a drain follows who is renamed, also when another takes the name', async () => {
  const drains = new Drains(folder);
  await drains.add(m0);
  await drains.rename(m0.endpoint, 'm1');
  await drains.rename(m1.endpoint, 'm0');
  expect(drains.of({ ...m0, name: 'm1' })).toMatchObject({ name: 'm1' });
  expect(drains.of({ ...m1, name: 'm0' })).toBeUndefined();
  expect(later().all).toMatchObject([{ ...m0, name: 'm1' }]);
});

test('a member is the same by its name, and by its address', async () => {
  const drains = new Drains(folder);
  await drains.add(m0);
  expect(drains.of({ name: 'm0', endpoint: 'http://elsewhere:1' })).toMatchObject(m0);
  expect(drains.of({ name: 'renamed', endpoint: m0.endpoint })).toMatchObject(m0);
  expect(drains.of(m1)).toBeUndefined();
  await drains.add({ name: 'm0', endpoint: 'http://elsewhere:1' });
  expect(drains.all).toHaveLength(1);
  expect(later().all).toHaveLength(1);
});

test('without a directory it holds as long as the process, and says so', async () => {
  const drains = new Drains(undefined);
  expect(drains.load()).toEqual({ drains: [], unusable: [] });
  expect(await drains.add(m0)).toBe('there is no --state-dir to keep it in');
  expect(drains.of(m0)).toBeDefined();
});

describe('two processes with one directory', () => {
  test('forget nothing of what either was asked for', async () => {
    const [one, other] = [later(), later()];
    await Promise.all([one.add(m0), other.add(m1)]);
    expect(names(later())).toEqual(['m0', 'm1']);
    await one.remove(m0);
    expect(names(later())).toEqual(['m1']);
  });

  test('write the same drain at the same time', async () => {
    const all = Array.from({ length: 8 }, later);
    expect(await Promise.all(all.map((drains) => drains.add(m0)))).toEqual(
      Array(8).fill(undefined),
    );
    expect(names(later())).toEqual(['m0']);
    expect(files()).toHaveLength(1);
  });

  test('follow each other, and not themselves', async () => {
    const [one, other] = [later(), later()];
    const told: Record<'one' | 'other', Drainable[]> = { one: [], other: [] };
    const stop = new AbortController();
    one.follow((changed) => void told.one.push(...changed), stop.signal);
    other.follow((changed) => void told.other.push(...changed), stop.signal);
    await one.add(m0);
    await vi.waitUntil(() => other.of(m0) !== undefined, patience);
    await other.add(m1);
    await vi.waitUntil(() => one.of(m1) !== undefined, patience);
    await other.remove(m0);
    await vi.waitUntil(() => one.of(m0) === undefined, patience);
    expect(told).toMatchObject({ one: [m1, m0], other: [m0] });
    stop.abort();
  });

  test('a drain that could not be written holds all the same', async () => {
    const drains = later();
    rmSync(folder, { recursive: true });
    writeFileSync(folder, ''); // a file in its place
    expect(await drains.add(m0)).toMatch(/\/drains cannot be written: /);
    rmSync(folder);
    const stop = new AbortController();
    let looks = 0;
    drains.follow(() => {
      looks += 1;
      stop.abort();
    }, stop.signal);
    await later().add(m1);
    await vi.waitUntil(() => looks > 0, patience);
    expect(looks).toBe(1);
    expect(names(drains)).toEqual(['m0', 'm1']);
  });
});

test('of a folder full of files so many are read', () => {
  const drains = new Drains(folder);
  for (let each = 0; each < 1_100; each += 1) {
    writeFileSync(join(folder, 'drains', `${each}.json`), '{}');
  }
  expect(drains.load().unusable).toHaveLength(1_000);
});

describe('a file that is none of ours', () => {
  const envelope = { version: 1, savedAt: new Date() };
  test.each([
    ['no JSON', '{"version": 1'],
    ['another version', JSON.stringify({ ...envelope, version: 2, ...m0, since: new Date() })],
    ['a field too many', JSON.stringify({ ...envelope, ...m0, since: new Date(), weight: 3 })],
    ['another shape', JSON.stringify({ ...envelope, drained: ['m0'] })],
  ])('%s: is told and not used, and the others are', async (_, text) => {
    await new Drains(folder).add(m1);
    const file = join(folder, 'drains', 'other.json');
    writeFileSync(file, text);
    const drains = new Drains(folder);
    expect(drains.load()).toMatchObject({
      drains: [m1],
      unusable: [{ file, why: expect.any(String) }],
    });
    expect(await drains.add(m0)).toBeUndefined();
    expect(names(later())).toEqual(['m0', 'm1']);
  });
});

test('a directory that is gone is made again', async () => {
  const drains = new Drains(folder);
  rmSync(folder, { recursive: true });
  expect(await drains.add(m0)).toBeUndefined();
  expect(names(later())).toEqual(['m0']);
});

test('a directory that cannot be made is refused at the start', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => new Drains(join(folder, 'file'))).toThrow(SettingError);
});
