/**
 * Unix sockets' files. One left behind by a process that died is replaced; one that somebody listens on,
 * or that is no socket, is not.
 */
import { lstat, unlink } from 'node:fs/promises';
import net from 'node:net';
import { dirname } from 'node:path';
import { AddressInUse, SettingError } from '../setting-error.ts';

/**
 * Removes a socket file that nobody listens on. Throws `SettingError` of `setting` for whatever keeps a socket from
 * being opened there.
 */
export async function removeStaleSocket(setting: string, path: string): Promise<void> {
  const shown = `unix:${path}`;
  const refuse = (why: string): never => {
    throw new SettingError(setting, why);
  };
  const fail = ({ message }: Error): never => refuse(`${shown} cannot be opened: ${message}`);
  const isMissing = ({ code }: NodeJS.ErrnoException): boolean => code === 'ENOENT';
  // Asked first, because binding in a folder that does not exist is told as a lack of permission.
  await lstat(dirname(path)).catch((error) =>
    isMissing(error)
      ? refuse(`the folder of ${shown} does not exist; create it or choose another path`)
      : fail(error),
  );
  const file = await lstat(path).catch((error) => (isMissing(error) ? undefined : fail(error)));
  if (file === undefined) return;
  if (!file.isSocket()) {
    refuse(`${path} exists and is not a socket; remove it or choose another path`);
  }
  if (await isAlive(path)) {
    throw new AddressInUse(
      setting,
      `${shown} is in use by another process; stop it or choose another path`,
    );
  }
  await unlink(path).catch(fail);
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      // Refused: nobody is there. Anything else, such as a full queue, may be somebody.
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}
