/**
 * As many calls as the machine gives: linearizable reads of one key over a few HTTP/2 connections with
 * many calls in flight on each. Raw HTTP/2, since h2load shows no client certificate.
 *
 * Arguments: host:port, for how many ms, and the credentials of mutual TLS as JSON, if any. Prints how
 * many calls were answered without an error.
 */
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import type { ClientCredentials } from '../../support/certificates.ts';
import { connector } from './socket.ts';

const [address = '', forMs = '0', tls] = process.argv.slice(2);
const makeSocket = connector(address, tls ? (JSON.parse(tls) as ClientCredentials) : undefined);
const sessions = 16;
const inFlight = 32;

/** A frame (not compressed, length of 4 bytes) around `RangeRequest { key }`. */
const key = Buffer.from('faults/flood');
const body = Buffer.concat([Buffer.from([0, 0, 0, 0, key.length + 2, 0x0a, key.length]), key]);
const headers = {
  ...{ ':method': 'POST', ':path': '/etcdserverpb.KV/Range' },
  ...{ 'content-type': 'application/grpc', te: 'trailers' },
};

let answered = 0;
let isOver = false;

function open(): void {
  const session = connect(`http://${address}`, { createConnection: makeSocket });
  session.on('error', () => {});
  session.on('close', () => {
    if (!isOver) setTimeout(open, 100);
  });
  for (let each = 0; each < inFlight; each += 1) call(session);
}

function call(session: ClientHttp2Session): void {
  if (isOver || session.closed || session.destroyed) return;
  const stream = session.request(headers);
  stream.on('trailers', (trailers) => {
    if (trailers['grpc-status'] === '0') answered += 1;
  });
  stream.on('error', () => {});
  stream.on('close', () => {
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR) call(session);
    else setTimeout(() => call(session), 100);
  });
  stream.resume();
  stream.end(body);
}

for (let each = 0; each < sessions; each += 1) open();
setTimeout(() => {
  isOver = true;
  console.log(answered);
  process.exit();
}, Number(forMs));
