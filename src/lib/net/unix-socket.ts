/**
 * The files of Unix sockets. A file left behind by a dead process is replaced; one that a process listens on,
 * or that is not a socket, is not.
 */
import { lstat, unlink } from 'node:fs/promises';
import net from 'node:net';
import { dirname } from 'node:path';
import { AddressInUse, SettingError } from '../setting-error.ts';

/**
 * Removes a socket file that nobody listens on. Throws `SettingError` of `setting` when no socket can be opened
 * there.
 */
export async function removeStaleSocket(setting: string, path: string): Promise<void> {
  const shown = `unix:${path}`;
  const refuse = (why: string): never => {
    throw new SettingError(setting, why);
  };
  const fail = ({ message }: Error): never => refuse(`${shown} cannot be opened: ${message}`);
  const isMissing = ({ code }: NodeJS.ErrnoException): boolean => code === 'ENOENT';
  // Checked first, because binding in a missing folder is reported as a lack of permission.
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
      // Refused: nobody listens. On any other error, such as a full queue, somebody may.
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}
