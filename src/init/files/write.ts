/** Writes the files, all or none, over nothing that is there. */
import { chmodSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from '../../lib/setting-error.ts';
import { inWords } from '../../lib/system-error.ts';

export interface OutputFile {
  /** On the node; `root` is put in front. */
  readonly path: string;
  readonly text: string;
  /** Permissions, whatever the umask. */
  readonly mode: 0o644 | 0o600;
}

/** Is something there, be it a link that leads nowhere? */
export function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Throws `ConfigError` when something is in the way, or cannot be written; then nothing is left of it. */
export function writeAll(root: string, files: readonly OutputFile[]): void {
  const written: string[] = [];
  for (const { path, text, mode } of files) {
    const place = join(root, path);
    try {
      makeFolders(dirname(place));
      writeFileSync(place, text, { mode, flag: 'wx' });
      written.push(place);
      chmodSync(place, mode);
    } catch (error) {
      for (const each of written) rmSync(each, { force: true });
      throw new ConfigError(
        `${place} cannot be written: ${inWords(error)}; nothing was written. Run this as root, or with --dry-run.`,
      );
    }
  }
}

/** Folders that everybody may enter, whatever the umask: a service with a user of its own reads in them. */
function makeFolders(path: string): void {
  if (exists(path)) return;
  makeFolders(dirname(path));
  mkdirSync(path);
  chmodSync(path, 0o755);
}
