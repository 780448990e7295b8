/** Reads the files that settings name: the configuration file, certificates, keys. */
import { closeSync, openSync, readSync } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import { SettingError } from '../setting-error.ts';

/** The longest file that is read, bytes: a path may lead to a disk image, or to an endless device. */
export const longestFile = 1024 * 1024;

/** The text of the file at `path`, which `setting` names. Throws `SettingError` of that setting. */
export function readTextFile(setting: string, path: string): string {
  try {
    return readBounded(path);
  } catch (error) {
    const { errno, message } = error as NodeJS.ErrnoException;
    const why = errno === undefined ? message : getSystemErrorMessage(errno);
    throw new SettingError(
      setting,
      `${path} cannot be read: ${why}; write the path of a file that this user may read`,
    );
  }
}

/** The text of a file. Throws the system's error, or an error that it is too long. */
export function readBounded(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    const bytes = Buffer.allocUnsafe(longestFile + 1);
    let length = 0;
    // Not by its size, which is 0 for a pipe or a device.
    for (;;) {
      const read = readSync(descriptor, bytes, length, bytes.length - length, null);
      length += read;
      if (length > longestFile) throw new Error('it is longer than 1 MiB');
      if (read === 0) return bytes.toString('utf8', 0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}
