/**
 * The first bytes of a client without TLS show which protocol it speaks. A member must be told so in the
 * handshake, before any byte is passed on (ALPN, RFC 7301).
 *
 * Reads these bytes and puts them back, so that the relay reads them again.
 */
import type { Socket } from 'node:net';
import { clientPreface } from '../http2/frames.ts';

/** Protocols that etcd serves, as ALPN names them. */
export type Protocol = 'h2' | 'http/1.1';

/** The first byte of a TLS handshake (RFC 8446 section 5.1). */
const handshakeRecord = 0x16;

/** `tls`: the client tries to speak TLS with us. `undefined`: too few bytes to tell. */
export function protocolOf(bytes: Uint8Array): Protocol | 'tls' | undefined {
  if (bytes[0] === handshakeRecord) return 'tls';
  const compared = Math.min(bytes.length, clientPreface.length);
  for (let at = 0; at < compared; at += 1) if (bytes[at] !== clientPreface[at]) return 'http/1.1';
  return compared < clientPreface.length ? undefined : 'h2';
}

/**
 * Waits for the first bytes of a paused and unread client, and leaves it paused and as if unread. Resolves
 * with `undefined` if it leaves, sends too little in time, or if `signal` aborts. Never rejects.
 *
 * @param timeout ms.
 */
export function nextProtocol(
  client: Socket,
  timeout: number,
  signal: AbortSignal,
): Promise<Protocol | 'tls' | undefined> {
  return new Promise((resolve) => {
    let seen: Buffer = Buffer.alloc(0);
    const settle = (protocol?: Protocol | 'tls'): void => {
      client.off('data', onData);
      for (const event of ['end', 'close']) client.off(event, onGone);
      signal.removeEventListener('abort', onGone);
      clearTimeout(timer);
      client.pause();
      resolve(protocol);
    };
    const onGone = (): void => settle();
    const timer = setTimeout(onGone, timeout);
    const onData = (chunk: Buffer): void => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const protocol = protocolOf(seen);
      if (protocol === undefined) return;
      settle(protocol);
      client.unshift(seen);
    };
    client.on('data', onData);
    client.on('end', onGone).on('close', onGone);
    signal.addEventListener('abort', onGone);
    if (client.destroyed || signal.aborted) settle();
    else client.resume();
  });
}
