/** The frames that tell a client to make its next calls on another connection. */
import { frameTypes } from './frames.ts';

/**
 * GOAWAY with NO_ERROR and the last stream 2^31-1 (RFC 9113 section 6.8). Calls already made, or made while
 * the frame is under way, are still answered; the next call goes to another connection. A PING follows:
 * once the client acknowledges it (section 6.7), it opens no more streams here.
 */
export const goAway: Uint8Array = Buffer.concat([
  frame(frameTypes.goAway, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
  frame(frameTypes.ping, [...Buffer.from('etcd-lb.')]),
]);

/** A frame on stream 0, without flags. */
function frame(type: number, payload: readonly number[]): Buffer {
  return Buffer.from([0, 0, payload.length, type, 0, 0, 0, 0, 0, ...payload]);
}
