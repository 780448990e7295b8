/**
 * A member's client port, as a client finds it: does it accept connections, and which certificate does
 * it show, also one that would not be accepted?
 *
 * Nothing is sent: whether the member is well, and to be trusted, is asked elsewhere.
 */
import { connect as connectPlainly, isIP, type Socket } from 'node:net';
import { connect as connectWithTls } from 'node:tls';
import type { MemberTls } from '../../certificates/certificates.ts';
import type { Endpoint } from '../../config/values/endpoint.ts';
import { classify } from '../../lib/net/failure.ts';
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
    const tooLate = Object.assign(new Error(`timed out after ${timeout} ms`), {
      code: 'ETIMEDOUT',
    });
    const socket = open(endpoint, tls, resolve);
    const timer = setTimeout(() => socket.destroy(tooLate), timeout);
    socket.on('error', (error) => resolve({ kind: 'closed', failure: classify(error) }));
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({
        kind: 'closed',
        failure: { reason: 'reset', detail: 'the connection was closed' },
      });
    });
  });
}

function open(
  { scheme, host, port }: Endpoint,
  { cert, key, servername = host }: MemberTls,
  onOpen: (open: ClientPort) => void,
): Socket {
  if (scheme === 'http') {
    const socket = connectPlainly({ host, port });
    return socket.once('connect', () => {
      onOpen({ kind: 'open' });
      socket.destroy();
    });
  }
  const socket = connectWithTls({
    host,
    port,
    cert,
    key,
    ...(isIP(servername) === 0 && { servername }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false, // only looked at
  });
  return socket.once('secureConnect', () => {
    const certificate = socket.getPeerX509Certificate();
    onOpen({ kind: 'open', ...(certificate && { certificate }) });
    socket.destroy();
  });
}
