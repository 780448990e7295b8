/** Frames of HTTP/2 as bytes, made by hand and taken from real conversations, and read the plain way. */

import { once } from 'node:events';
import http2 from 'node:http2';
import net, { type AddressInfo, type Socket } from 'node:net';
import { clientPreface, endHeaders, frameTypes } from '../../src/proxy/http2/frames.ts';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
}

export function frame(
  type: number,
  flags = 0,
  streamId = 0,
  payload: Uint8Array | number = 0,
): Frame {
  return {
    ...{ type, flags, streamId },
    payload: typeof payload === 'number' ? new Uint8Array(payload) : payload,
  };
}

/** The first thing either side says. */
export const settings: Frame = frame(frameTypes.settings);

export function encode(frames: readonly Frame[]): Buffer {
  return Buffer.concat(
    frames.map(({ type, flags, streamId, payload }) => {
      const header = Buffer.alloc(9);
      header.writeUIntBE(payload.length, 0, 3);
      header.writeUInt8(type, 3);
      header.writeUInt8(flags, 4);
      header.writeUInt32BE(streamId, 5);
      return Buffer.concat([header, payload]);
    }),
  );
}

/** The whole frames of a text without a preface, with the offset behind each. */
export function decode(bytes: Buffer): (Frame & { readonly end: number })[] {
  const frames: (Frame & { end: number })[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({
      type: bytes.readUInt8(at + 3),
      flags: bytes.readUInt8(at + 4),
      streamId: bytes.readUInt32BE(at + 5) & 0x7fffffff,
      payload: bytes.subarray(at + 9, end),
      end,
    });
    at = end;
  }
  return frames;
}

/** Offsets behind frames where another one may stand: not inside a block of headers. */
export function gaps(bytes: Buffer): number[] {
  return decode(bytes)
    .filter(({ type, flags }) => {
      const carriesHeaders = type === frameTypes.headers || type === frameTypes.continuation;
      return !carriesHeaders || (flags & endHeaders) !== 0;
    })
    .map(({ end }) => end);
}

/** What Node's own HTTP/2 client and server say to one another. */
export interface Conversation {
  /** With its preface. */
  readonly client: Buffer;
  readonly server: Buffer;
}

/** @param calls made at the same time, each with a longer question and answer than the one before. */
export async function converse(calls: number): Promise<Conversation> {
  const server = http2.createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(200, { 'x-long': 'x'.repeat(Number(request.headers['x-header'] ?? 0)) });
      response.end(Buffer.alloc(Number(request.headers['x-body'] ?? 0)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const said: Record<'client' | 'server', Buffer[]> = { client: [], server: [] };
  const relay = net.createServer((near) => {
    const far = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    tap(near, far, said.client);
    tap(far, near, said.server);
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const client = http2.connect(`http://127.0.0.1:${(relay.address() as AddressInfo).port}`);
  await Promise.all(
    Array.from({ length: calls }, async (_, index) => {
      const headers = { 'x-body': index * 3_000, 'x-header': index % 3 === 0 ? 20_000 : 1 };
      const request = client.request({ ':method': 'POST', ...headers });
      request.end(Buffer.alloc(index * 1_000));
      request.resume();
      await once(request, 'end');
    }),
  );
  client.close();
  await once(client, 'close');
  relay.close();
  server.close();
  return { client: Buffer.concat(said.client), server: Buffer.concat(said.server) };
}

function tap(from: Socket, to: Socket, said: Buffer[]): void {
  from.on('data', (chunk: Buffer) => {
    said.push(chunk);
    to.write(chunk);
  });
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
}

/** Without the preface. */
export function framesOf(client: Buffer): Buffer {
  return client.subarray(clientPreface.length);
}
