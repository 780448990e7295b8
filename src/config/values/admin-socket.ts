/**
 * Where operators reach a running balancer: the grammar of `--admin-socket`. Opening it is
 * admin/server.ts, and finding it from a command admin/client.ts.
 */
import { parseListenAddress } from './listen.ts';

/** Where it is unless said otherwise; the folder is what systemd's `RuntimeDirectory=etcd-lb` makes. */
export const usualAdminSocket = '/run/etcd-lb/admin.sock';

/**
 * - `auto`: the usual path if it can be opened, else none, and the log says so.
 * - `path`: there, or nothing is started.
 */
export type AdminSocket =
  | { readonly kind: 'auto' }
  | { readonly kind: 'off' }
  | { readonly kind: 'path'; readonly path: string };

/** `auto`, `off`, `/path` or `unix:/path`. Throws `Error` with the reason. */
export function parseAdminSocket(text: string): AdminSocket {
  if (text === 'auto' || text === 'off') return { kind: text };
  const address = text.startsWith('/') || text.startsWith('unix:') ? socketAt(text) : undefined;
  if (address !== undefined) return { kind: 'path', path: address };
  throw new Error(
    `${JSON.stringify(text)} is no absolute path; write one such as ${usualAdminSocket}, auto, or off`,
  );
}

function socketAt(text: string): string | undefined {
  const address = parseListenAddress(text.startsWith('/') ? `unix:${text}` : text);
  return address.kind === 'unix' ? address.path : undefined;
}
