/** The user behind `--user` and `--password-file`: a password is never written where others see it. */
import { SettingError } from '../../lib/setting-error.ts';
import { readTextFile } from '../../lib/text-file.ts';
import type { Settings } from '../settings.ts';

/** `undefined` for none. Throws `SettingError` when one is without the other, or the file has nothing. */
export function loadUser(
  name: string | undefined,
  passwordFile: string | undefined,
): Settings['etcdUser'] {
  if (name === undefined && passwordFile === undefined) return undefined;
  if (name === undefined) {
    throw new SettingError('password-file', 'is given without --user; give both, or neither');
  }
  if (passwordFile === undefined) {
    throw new SettingError('user', 'is given without --password-file; give both, or neither');
  }
  // Editors end a file with a line break, which is not part of the password.
  const password = readTextFile('password-file', passwordFile).replace(/\r?\n$/, '');
  if (password === '') {
    throw new SettingError('password-file', `${passwordFile} is empty; write the password into it`);
  }
  return { name, password };
}
