/**
 * Many idle HTTP/2 connections to one address, as gRPC clients at rest: the preface and empty
 * settings are sent, the member's are awaited, and whoever is disconnected comes back at once.
 *
 * Arguments: host:port, how many, and the credentials of mutual TLS as JSON, if any. Tells its parent when all were answered once, ends with 1 when
 * that takes 30 s, and with its parent.
 */
import type { ClientCredentials } from '../../support/certificates.ts';
import { greeting } from './greeting.ts';
import { connector } from './socket.ts';

const [address = '', count = '0', tls] = process.argv.slice(2);
const connect = connector(address, tls ? (JSON.parse(tls) as ClientCredentials) : undefined);
const size = Number(count);
/** How many first connections are under way at a time, to spare everybody's accept queue. */
const atOnce = 100;

let begun = 0;
let answered = 0;

function next(): void {
  if (begun === size) return;
  begun += 1;
  let isFirst = true;
  connectAgain(() => {
    if (!isFirst) return;
    isFirst = false;
    answered += 1;
    if (answered === size) process.send?.('ready');
    else next();
  });
}

function connectAgain(onAnswer: () => void): void {
  const socket = connect();
  socket.write(greeting);
  socket.once('data', onAnswer);
  socket.on('error', () => {});
  // As gRPC: at once after a connection that worked, with a pause after one that did not.
  let worked = false;
  socket.once('data', () => {
    worked = true;
  });
  socket.on('close', () => setTimeout(() => connectAgain(onAnswer), worked ? 0 : 100));
}

process.on('disconnect', () => process.exit());
setTimeout(() => {
  if (answered < size) process.exit(1);
}, 30_000);
for (let each = 0; each < atOnce; each += 1) next();
