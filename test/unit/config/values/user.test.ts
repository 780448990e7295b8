import { expect, test } from 'vitest';
import { loadUser } from '../../../../src/config/values/user.ts';
import { folderWith } from '../folder.ts';

/** Paths in a folder of the running test. */
function files(): (name: string) => string {
  const folder = folderWith({ right: 'secret\n', spaces: ' a b \r\n', empty: '\n' });
  return (name) => `${folder}/${name}`;
}

test('the password is the text of the file but for its last line break', () => {
  const path = files();
  expect(loadUser('root', path('right'))).toEqual({ name: 'root', password: 'secret' });
  expect(loadUser('root', path('spaces'))).toEqual({ name: 'root', password: ' a b ' });
  expect(loadUser(undefined, undefined)).toBeUndefined();
});

test.each([
  ['root', undefined, 'user: is given without --password-file; give both, or neither'],
  [undefined, 'right', 'password-file: is given without --user; give both, or neither'],
  ['root', 'empty', /password-file: .*empty is empty; write the password into it/],
  ['root', 'none', /password-file: .*none cannot be read: no such file or directory/],
])('user %s with file %s is refused', (name, file, why) => {
  const path = files();
  let told = '';
  try {
    loadUser(name, file && path(file));
  } catch (error) {
    const { setting, message } = error as { setting: string; message: string };
    told = `${setting}: ${message}`;
  }
  if (typeof why === 'string') expect(told).toBe(why);
  else expect(told).toMatch(why);
});
