/** What is kept of a pause, and how processes with one state directory follow each other. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SavedPause } from '../../../src/members/saved-pause.ts';

const pause = { refuse: true, since: '2026-11-26T15:00:00.000Z' };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-pause-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a pause is there after a restart, until it is taken back', async () => {
  const saved = new SavedPause(folder);
  expect(saved.load()).toEqual({ kind: 'none' });
  expect(await saved.set(pause)).toBeUndefined();
  expect(new SavedPause(folder).load()).toMatchObject({ kind: 'content', content: pause });
  expect(await saved.set(undefined)).toBeUndefined();
  expect(existsSync(join(folder, 'pause.json'))).toBe(false);
  expect(new SavedPause(folder).load()).toEqual({ kind: 'none' });
});

test('without a directory, or with one that is gone, it says that it will be forgotten', async () => {
  expect(await new SavedPause(undefined).set(pause)).toMatch(/no --state-dir/);
  const saved = new SavedPause(folder);
  await rm(folder, { recursive: true });
  expect(await saved.set(pause)).toMatch(/pause.json cannot be written: ENOENT/);
});

test('a file that makes no sense is not used', async () => {
  await writeFile(join(folder, 'pause.json'), '{"version": 1, "refuse": "perhaps"}');
  expect(new SavedPause(folder).load()).toMatchObject({ kind: 'unusable' });
});

test('one process follows the other, and not itself', async () => {
  const stop = new AbortController();
  try {
    const [one, other] = [new SavedPause(folder), new SavedPause(folder)];
    const heard: unknown[] = [];
    const own: unknown[] = [];
    one.follow((found) => own.push(found), stop.signal);
    other.follow((found) => heard.push(found), stop.signal);
    await one.set(pause);
    await vi.waitUntil(() => heard.length === 1, { timeout: 20_000 });
    await one.set(undefined);
    await vi.waitUntil(() => heard.length === 2, { timeout: 20_000 });
    expect([heard, own]).toEqual([[pause, undefined], []]);
  } finally {
    stop.abort();
  }
});
