/** What a member may do in place of sending a whole snapshot, by a scripted one. */
import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { readSnapshot } from '../../../src/snapshot/connection.ts';
import { message } from './encoded.ts';

let server: http2.Http2Server | undefined;
afterEach(() => server?.close());

/** Asks a server that answers so. */
async function ask(
  answer: (stream: ServerHttp2Stream) => void,
  take: (bytes: Buffer) => Promise<void> | undefined = () => undefined,
  signal = new AbortController().signal,
): Promise<void> {
  server = http2.createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {});
    answer(stream);
  });
  server.on('session', (session) => session.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const place = {
    scheme: 'http',
    host: '127.0.0.1',
    port,
    tls: () => ({}),
    token: 'secret',
  } as const;
  await readSnapshot({ ...place, patience: 300, signal }, take);
}

function end(stream: ServerHttp2Stream, status: string, text = ''): void {
  stream.on('wantTrailers', () =>
    stream.sendTrailers({ 'grpc-status': status, 'grpc-message': text }),
  );
  stream.end();
}

const begin = (stream: ServerHttp2Stream): void =>
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });

test('the bytes of the answer arrive in order, and no faster than they are taken', async () => {
  const sent = Buffer.concat(
    Array.from({ length: 50 }, (_, index) => message(index, Buffer.alloc(40_000, index))),
  );
  const taken: Buffer[] = [];
  let underWay = 0;
  await ask(
    (stream) => {
      begin(stream);
      stream.write(sent);
      end(stream, '0');
    },
    async (bytes) => {
      underWay += 1;
      expect(underWay).toBe(1);
      taken.push(Buffer.from(bytes));
      await new Promise(setImmediate);
      underWay -= 1;
    },
  );
  expect(Buffer.concat(taken).equals(sent)).toBe(true);
});

test.each([
  [
    'that refuses at once',
    (stream: ServerHttp2Stream) => {
      const refusal = { 'grpc-status': '7', 'grpc-message': 'etcdserver: permission denied' };
      stream.respond({ ':status': 200, ...refusal }, { endStream: true });
    },
    'the member refuses: permission denied',
  ],
  [
    'that ends with an error',
    (stream: ServerHttp2Stream) => {
      begin(stream);
      stream.write(message(9, Buffer.from('x')));
      end(stream, '14', 'etcdserver%3A stopped');
    },
    'the member refuses: stopped',
  ],
  [
    'that breaks off',
    (stream: ServerHttp2Stream) => {
      begin(stream);
      stream.write(message(9, Buffer.from('x')), () => stream.session?.destroy());
    },
    /reset|broke off|ECONNRESET|closed|ended/i,
  ],
  [
    'that falls silent',
    (stream: ServerHttp2Stream) => {
      begin(stream);
      stream.write(message(9, Buffer.from('x')));
    },
    'nothing arrived for 0.3 s',
  ],
  [
    'that is no etcd',
    (stream: ServerHttp2Stream) => stream.respond({ ':status': 404 }, { endStream: true }),
    'the member broke off (HTTP status 404)',
  ],
] as const)('a member %s is told so in a clause', async (_, answer, why) => {
  await expect(ask(answer)).rejects.toThrow(why);
});

test('a port where nobody speaks HTTP/2, or nobody listens, is told so', async () => {
  const place = {
    scheme: 'http',
    host: '127.0.0.1',
    port: 1,
    tls: () => ({}),
    token: undefined,
  } as const;
  const signal = new AbortController().signal;
  const asked = readSnapshot({ ...place, patience: 300, signal }, () => undefined);
  await expect(asked).rejects.toThrow('connect ECONNREFUSED 127.0.0.1:1');
});

test('an abort ends it with its reason', async () => {
  const aborted = new AbortController();
  const asked = ask(
    (stream) => {
      begin(stream);
      stream.write(message(9, Buffer.from('x')), () => aborted.abort(new Error('enough')));
    },
    undefined,
    aborted.signal,
  );
  await expect(asked).rejects.toThrow('enough');
});
