/**
 * A hostile neighbour: everything that one host can do to a balancer without a key, all at once. Whatever is
 * closed to it is opened again.
 *
 * Arguments: host:port of the traffic, of the observe listener (or nothing), and how many connections never
 * speak. Says `ready` over its channel when they are open, and goes on until it is killed.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { clientPreface, frameTypes } from '../../../src/proxy/http2/frames.ts';
import { encode, frame, settings } from '../../support/http2-frames.ts';

const [traffic = '', observe = '', silent = '0'] = process.argv.slice(2);
/** Before something that was closed is opened again, ms. */
const again = 500;

/** Keeps a connection open, and has `act` told of each that it takes. */
function keepOpen(address: string, act: (socket: Socket) => void): void {
  const [host = '', port = '0'] = address.split(':');
  const socket = connect({ host, port: Number(port), noDelay: true });
  socket.on('connect', () => act(socket));
  socket.on('error', () => {});
  socket.on('close', () => setTimeout(() => keepOpen(address, act), again));
}

/** Writes again and again until the connection is gone; waits where nothing is taken any more. */
function writeOn(socket: Socket, every: number, make: () => Uint8Array): void {
  const timer = setInterval(() => {
    if (socket.writableLength < 1_000_000) socket.write(make());
  }, every);
  socket.on('close', () => clearInterval(timer));
}

const pipelined = (path: string, times: number): Buffer =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`.repeat(times));

/** Says nothing, ever. */
const mute = (socket: Socket): void => void socket.resume();

/** Asks for more than sockets hold, and reads nothing. What a member does for it is the member's burden. */
function slowReader(socket: Socket): void {
  socket.pause();
  socket.write(pipelined('/metrics', 8));
}

/** Asks for a page many times in one breath, and reads on. */
const scraper =
  (path: string) =>
  (socket: Socket): void => {
    socket.resume();
    writeOn(socket, 200, () => pipelined(path, 100));
  };

function noise(socket: Socket): void {
  socket.resume();
  writeOn(socket, 200, () => randomBytes(randomInt(1, 4_000)));
}

/** Speaks HTTP/2, and says any frames, of any streams, in any order. */
function frames(socket: Socket): void {
  socket.resume();
  socket.write(Buffer.concat([clientPreface, encode([settings])]));
  const types = Object.values(frameTypes);
  writeOn(socket, 200, () =>
    encode(
      Array.from({ length: 200 }, () => {
        const type = types[randomInt(types.length)] ?? 0;
        return frame(type, randomInt(256), randomInt(1, 2 ** 31), randomBytes(randomInt(64)));
      }),
    ),
  );
}

/** Opens more and more streams, whose numbers are far apart. */
function streams(socket: Socket): void {
  socket.resume();
  socket.write(Buffer.concat([clientPreface, encode([settings])]));
  let id = 1;
  writeOn(socket, 200, () =>
    encode(
      Array.from({ length: 200 }, () => {
        id = (id + 65_536) % 2 ** 31 || 1;
        return frame(frameTypes.headers, 4, id, 20);
      }),
    ),
  );
}

let open = 0;
for (let each = 0; each < Number(silent); each += 1) {
  keepOpen(traffic, (socket) => {
    mute(socket);
    open += 1;
    if (open === Number(silent)) process.send?.('ready');
  });
}
const crowds: readonly [number, (socket: Socket) => void][] = [
  [20, slowReader],
  [10, noise],
  [10, frames],
  [5, streams],
];
for (const [size, act] of crowds) {
  for (let each = 0; each < size; each += 1) keepOpen(traffic, act);
}
if (observe !== '') {
  const onObserve = [scraper('/metrics'), scraper('/status'), scraper('/events'), noise, mute];
  for (let each = 0; each < 50; each += 1) {
    keepOpen(observe, onObserve[each % onObserve.length] ?? mute);
  }
}
process.on('disconnect', () => process.exit());
