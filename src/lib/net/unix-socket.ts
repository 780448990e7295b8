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
  const refuse = (error: NodeJS.ErrnoException): never => {
    throw new SettingError(setting, `${shown} cannot be opened: ${error.message}`);
  };
  // Asked first, because binding in a folder that does not exist is told as a lack of permission.
  await lstat(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') refuse(error);
    throw new SettingError(
      setting,
      `the folder of ${shown} does not exist; create it or choose another path`,
    );
  });
  const file = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    return error.code === 'ENOENT' ? undefined : refuse(error);
  });
  if (file === undefined) return;
  if (!file.isSocket()) {
    throw new SettingError(
      setting,
      `${path} exists and is not a socket; remove it or choose another path`,
    );
  }
  if (await isAlive(path)) {
    throw new AddressInUse(
      setting,
      `${shown} is in use by another process; stop it or choose another path`,
    );
  }
  await unlink(path).catch(refuse);
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
