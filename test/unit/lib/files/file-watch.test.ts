import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { watchFiles } from '../../../../src/lib/files/file-watch.ts';

test('a file without an end is looked at up to its bound, beside the others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'etcd-lb-watch-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [endless, short] = [join(folder, 'endless'), join(folder, 'short')];
  symlinkSync('/dev/zero', endless);
  writeFileSync(short, 'one');
  const stop = new AbortController();
  const seen: string[] = [];
  await watchFiles(
    () => [endless, short, join(folder, 'none')],
    (content) => {
      seen.push(content);
      if (seen.length === 1) writeFileSync(short, 'two');
      else stop.abort();
    },
    stop.signal,
  );
  expect(new Set(seen).size).toBe(2);
  expect(seen[0]).toContain('unread: ');
});
