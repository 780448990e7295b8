/** Writes the files, all or none, over nothing that is there. */
import {
  chmodSync,
  closeSync,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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

/** Is something there, be it a link that leads nowhere? What cannot be told shows when it is written. */
export function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Throws `ConfigError` when something is in the way, or cannot be written; then nothing is left of it. */
export function writeAll(root: string, files: readonly OutputFile[]): void {
  const written: string[] = [];
  for (const { path, text, mode } of files) {
    const place = join(root, path);
    try {
      makeFolders(dirname(place));
      const descriptor = openSync(place, 'wx', mode);
      written.push(place); // from here on it is ours to remove
      writeFileSync(descriptor, text);
      fchmodSync(descriptor, mode);
      closeSync(descriptor);
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
