/** The user of `--user` and `--password-file`: a password in a flag would be seen by others. */
import { givenAlone } from '../../certificates/certificates.ts';
import { readTextFile } from '../../lib/files/text-file.ts';
import { SettingError } from '../../lib/setting-error.ts';
import type { Settings } from '../settings.ts';

/** `undefined` for none. Throws `SettingError` for one without the other, and for an empty file. */
export function loadUser(
  name: string | undefined,
  passwordFile: string | undefined,
): Settings['etcdUser'] {
  if (name === undefined && passwordFile === undefined) return undefined;
  if (name === undefined) throw givenAlone('password-file', 'user');
  if (passwordFile === undefined) throw givenAlone('user', 'password-file');
  // Editors end a file with a line break, which is not part of the password.
  const password = readTextFile('password-file', passwordFile).replace(/\r?\n$/, '');
  if (password === '') {
    throw new SettingError('password-file', `${passwordFile} is empty; write the password into it`);
  }
  return { name, password };
}
