/** What is done to the disk, in which order, so that a loss of power leaves one whole file or the other. */
import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { StateFile } from '../../../src/lib/state-file.ts';
import { folderWith } from '../config/folder.ts';

const done = vi.hoisted((): string[] => []);

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const open = async (...args: Parameters<typeof real.open>): Promise<FileHandle> => {
    const handle = await real.open(...args);
    const sync = handle.sync.bind(handle);
    handle.sync = async () => {
      done.push(`flush ${basename(String(args[0]))}`);
      await sync();
    };
    return handle;
  };
  const rename = async (...args: Parameters<typeof real.rename>): Promise<void> => {
    done.push(`rename to ${basename(String(args[1]))}`);
    await real.rename(...args);
  };
  return { ...real, open, rename };
});

beforeEach(() => {
  done.length = 0;
});

test('the file is flushed before it takes its name, and its folder after', async () => {
  const folder = folderWith({});
  const file = new StateFile(folder, 'state.json', z.object({ words: z.string() }));
  await file.save({ words: 'hello' });
  expect(done).toEqual([
    expect.stringMatching(/^flush state\.json\..*\.new$/),
    'rename to state.json',
    `flush ${basename(folder)}`,
  ]);
  expect(file.load()).toMatchObject({ kind: 'content', content: { words: 'hello' } });
});
