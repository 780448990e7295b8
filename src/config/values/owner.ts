/**
 * Who owns Unix sockets, `user:group`, as the numbers that `chown` takes. Names are looked up in
 * /etc/passwd and /etc/group only: Node has no getpwnam, and a sidecar's image has no directory
 * service. With a directory service, write numbers.
 */
import { readFileSync } from 'node:fs';

/** -1 leaves the user or group as it is, as for `chown`. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const unchanged = -1;

/** `user:group`, `user`, `:group`, each a name or a number. Throws `Error` with the reason. */
export function parseOwner(text: string): Owner {
  const [user = '', group = '', ...rest] = text.split(':');
  if (rest.length > 0 || (user === '' && group === '')) {
    throw new Error(`${JSON.stringify(text)} is not an owner; write user:group, user or :group`);
  }
  return { uid: idOf(user, 'user', '/etc/passwd'), gid: idOf(group, 'group', '/etc/group') };
}

function idOf(text: string, what: string, database: string): number {
  if (text === '') return unchanged;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  // Both files: name:password:id:…
  for (const line of readFileSync(database, 'utf8').split('\n')) {
    const [name, , id] = line.split(':');
    if (name === text) return Number(id);
  }
  throw new Error(
    `${what} ${JSON.stringify(text)} is not in ${database}; write one that is, or its number`,
  );
}
