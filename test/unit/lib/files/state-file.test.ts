/** What is done to the disk, in which order, so that a loss of power leaves one whole file or the other. */
import type { FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { loadState, saveState } from '../../../../src/lib/files/state-file.ts';
import { folderWith } from '../../config/folder.ts';

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
  const writeFile = async (...args: Parameters<typeof real.writeFile>): Promise<void> => {
    const [path, , options] = args;
    await real.writeFile(...args);
    if ((options as { flush?: boolean }).flush === true)
      done.push(`flush ${basename(String(path))}`);
  };
  return { ...real, open, rename, writeFile };
});

beforeEach(() => {
  done.length = 0;
});

test('the file is flushed before it takes its name, and its folder after', async () => {
  const folder = folderWith({});
  const file = join(folder, 'state.json');
  await saveState(file, { words: 'hello' });
  expect(done).toEqual([
    expect.stringMatching(/^flush state\.json\..*\.new$/),
    'rename to state.json',
    `flush ${basename(folder)}`,
  ]);
  const shape = z.object({ words: z.string() });
  const loaded = loadState(file, (content) => shape.parse(content));
  expect(loaded).toMatchObject({ kind: 'content', content: { words: 'hello' } });
});
