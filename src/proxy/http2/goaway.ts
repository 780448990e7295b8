/**
 * What a server says to a client that should take its next calls elsewhere.
 */
import { frameTypes } from './frames.ts';

/**
 * GOAWAY with NO_ERROR and the last stream 2^31-1 (RFC 9113 section 6.8): every call that was made, or is
 * being made while this is on its way, is still answered; the next one goes to another connection. A PING
 * follows, so that its acknowledgement tells when the client has understood (section 6.7): from then
 * on it opens no stream here.
 */
export const goAway: Uint8Array = Buffer.concat([
  frame(frameTypes.goAway, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
  frame(frameTypes.ping, [...Buffer.from('etcd-lb.')]),
]);

/** A frame of the connection, without flags. */
function frame(type: number, payload: readonly number[]): Buffer {
  return Buffer.from([0, 0, payload.length, type, 0, 0, 0, 0, 0, ...payload]);
}
