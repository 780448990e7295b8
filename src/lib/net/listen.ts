/** Listening as a promise. */
import { once } from 'node:events';
import type { ListenOptions, Server } from 'node:net';

/**
 * Resolves when `server` listens. Only this user may open the file of a Unix socket until its mode is changed.
 * Rejects with what `explain` makes of the system's error.
 */
export async function listen(
  server: Server,
  place: ListenOptions | { readonly fd: number; readonly backlog?: number },
  explain: (error: NodeJS.ErrnoException) => Error,
): Promise<void> {
  const umask = process.umask(0o177);
  server.listen(place as ListenOptions);
  process.umask(umask);
  await once(server, 'listening').catch((error) => {
    throw explain(error);
  });
}
