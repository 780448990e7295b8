/**
 * A member's client port, as a client finds it: does it accept connections, and which certificate does
 * it show, trusted or not?
 *
 * Sends nothing. Whether the member is healthy and to be trusted is decided elsewhere.
 */

import { connect as connectPlainly, isIP, type Socket } from 'node:net';
import { connect as connectWithTls, TLSSocket } from 'node:tls';
import type { MemberTls } from '../../certificates/certificates.ts';
import { formatDuration } from '../../config/values/duration.ts';
import type { Endpoint } from '../../config/values/endpoint.ts';
import { classify, type Failure } from '../../lib/net/failure.ts';
import type { ClientPort } from '../observation.ts';

/**
 * Connects once. Never rejects.
 *
 * @param timeout bound on connecting and the handshake, ms.
 */
export function tryClientPort(
  endpoint: Endpoint,
  tls: MemberTls,
  timeout: number,
): Promise<ClientPort> {
  return new Promise((resolve) => {
    const socket = connect(endpoint, tls);
    const close = (failure: Failure): void => {
      clearTimeout(timer);
      resolve({ kind: 'closed', failure });
      socket.destroy();
    };
    const detail = `timed out after ${formatDuration(timeout)}`;
    const timer = setTimeout(() => close({ reason: 'timeout', detail }), timeout);
    socket.once(endpoint.scheme === 'http' ? 'connect' : 'secureConnect', () => {
      const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
      resolve({ kind: 'open', ...(certificate && { certificate }) });
      socket.destroy();
    });
    socket.on('error', (error) => close(classify(error)));
    socket.on('close', () => close({ reason: 'reset', detail: 'the connection was closed' }));
  });
}

function connect(
  { scheme, host, port }: Endpoint,
  { cert, key, servername = host }: MemberTls,
): Socket {
  if (scheme === 'http') return connectPlainly({ host, port });
  return connectWithTls({
    ...{ host, port, cert, key },
    ...(isIP(servername) === 0 && { servername }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false, // only inspected
  });
}
