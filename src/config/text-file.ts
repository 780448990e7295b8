/** Reading the files that settings name: the configuration file, certificates, keys. */
import { readFileSync } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import { Refusal } from './error.ts';

/** The text of the file at `path`, which `setting` names. Throws `Refusal` of that setting. */
export function readTextFile(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { errno, message } = error as NodeJS.ErrnoException;
    const why = errno === undefined ? message : getSystemErrorMessage(errno);
    throw new Refusal(
      setting,
      `${path} cannot be read: ${why}; write the path of a file that this user may read`,
    );
  }
}
