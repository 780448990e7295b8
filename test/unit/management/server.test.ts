/** The bounds of one connection and of all, as peers meet them that write whatever they like. */
import { once } from 'node:events';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BoundedServer, type Bounds, type Exchange } from '../../../src/management/server.ts';
import { TurnCounter } from '../../support/turn-counter.ts';

const bounds: Bounds = {
  ...{ connections: 4, head: 10_000, answer: 60_000, requests: 100 },
  ...{ headBytes: 4_096, bodyBytes: 1_000 },
};

let parts: AsyncDisposableStack;
let refused: string[];
let turns: TurnCounter;
let open: number;
let mostOpen: number;
let server: BoundedServer;
beforeEach(() => {
  parts = new AsyncDisposableStack();
  refused = [];
  turns = parts.use(new TurnCounter());
  [open, mostOpen] = [0, 0];
});
afterEach(async () => {
  vi.useRealTimers();
  await parts.disposeAsync();
});

/** Answers with the target and the body of a request. */
async function echo({ request, response }: Exchange): Promise<void> {
  turns.note();
  open += 1;
  mostOpen = Math.max(mostOpen, open);
  response.once('close', () => {
    open -= 1;
  });
  const body = await text(request).catch(() => undefined);
  if (body !== undefined) response.end(`<${request.url}${body}>`);
}

async function serve(options: Partial<Bounds> = {}, handle = echo): Promise<number> {
  server = new BoundedServer({
    bounds: { ...bounds, ...options },
    handle: (exchange) => void handle(exchange),
    refuse: (response, code, why) => void response.writeHead(code).end(why),
    onRefused: (reason) => void refused.push(reason),
  });
  const port = await server.listen({ host: '127.0.0.1', port: 0 }, (error) => error);
  parts.defer(() => server.close());
  return port ?? 0;
}

async function visitor(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1').setNoDelay();
  socket.on('error', () => {});
  parts.defer(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Reads on until the connection is closed or reset. */
function closed(socket: net.Socket): Promise<unknown> {
  return new Promise((resolve) => socket.resume().once('close', resolve));
}

/** All that the server says to these bytes until it closes. */
async function said(port: number, bytes: string): Promise<string> {
  const socket = await visitor(port);
  socket.write(bytes);
  return text(socket);
}

const get = (path: string, also = ''): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n${also}\r\n`;
const last = get('/last', 'connection: close\r\n');
const answers = (whole: string): string[] =>
  [...whole.matchAll(/<(.*?)>/gs)].map(([, each = '']) => each);

describe('requests of one connection', () => {
  test('are answered in order, one at a time, however the bytes are cut', async () => {
    const port = await serve();
    const body = fc.string({
      unit: fc.constantFrom('\r', '\n', 'a', ' ', ':', '/'),
      maxLength: 40,
    });
    const request = fc.oneof(
      fc.constant({ bytes: get('/get'), answer: '/get' }),
      fc.constant({ bytes: `\r\n${get('/after')}`, answer: '/after' }),
      body.map((text) => ({
        bytes: `POST /post HTTP/1.1\r\nhost: x\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
        answer: `/post${text}`,
      })),
    );
    const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 12 }), lengths, async (requests, cuts) => {
        const socket = await visitor(port);
        const whole = requests.map(({ bytes }) => bytes).join('') + last;
        for (let from = 0, index = 0; from < whole.length; index += 1) {
          const to = from + (cuts[index % cuts.length] ?? 1);
          // Waits for the loop, so that the pieces are not joined again.
          await new Promise((resolve) => socket.write(whole.slice(from, to), resolve));
          from = to;
        }
        expect(answers(await text(socket))).toEqual([
          ...requests.map(({ answer }) => answer),
          '/last',
        ]);
        expect([mostOpen, turns.most]).toEqual([1, 1]);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  test('are not read while one is answered', async () => {
    const waiting = Promise.withResolvers<void>();
    const port = await serve({}, async (exchange) => {
      await waiting.promise;
      await echo(exchange);
    });
    const socket = await visitor(port);
    const flood = get('/flood').repeat(1_000_000 / get('/flood').length);
    // The kernel takes some MB; the rest stays with who sends it.
    let sent = 0;
    while (socket.write(flood) || sent < 2) sent += 1;
    for (let each = 0; each < 20; each += 1) socket.write(flood);
    const other = said(port, last);
    waiting.resolve();
    expect(answers(await other)).toEqual(['/last']);
    expect(socket.writableLength).toBeGreaterThan(1_000_000);
    expect(turns.most).toBe(1);
  });

  test.each([
    ['empty lines', '\r\n'.repeat(30_000)],
    ['bare empty lines', '\n'.repeat(60_000)],
    ['expectations that nobody meets', get('/', 'expect: x\r\n').repeat(1_000)],
    ['tunnels', 'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_000)],
    ['upgrades', get('/', 'connection: upgrade\r\nupgrade: x\r\n').repeat(1_000)],
    ['no HTTP', 'x'.repeat(60_000)],
    ['zeros', '\0'.repeat(60_000)],
  ])('that are %s end it, or are served one in a turn', async (_, bytes) => {
    const port = await serve();
    const socket = await visitor(port);
    socket.write(bytes + last);
    await closed(socket);
    expect(turns.most).toBeLessThanOrEqual(1);
    expect(turns.total).toBeLessThanOrEqual(bounds.requests);
    expect(answers(await said(port, last))).toEqual(['/last']);
  });

  test('are so many at most', async () => {
    const port = await serve({ requests: 3 });
    const whole = await said(port, get('/a') + get('/b') + get('/c') + get('/d'));
    expect(answers(whole)).toEqual(['/a', '/b', '/c']);
  });
});

describe('what is too large is refused and counted', () => {
  test.each([
    ['a body', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n', '413'],
    [
      'a body without a length',
      'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n',
      '411',
    ],
    ['a head', get('/', `x: ${'y'.repeat(5_000)}\r\n`), '431'],
    ['a target', get(`/${'y'.repeat(5_000)}`), '431'],
  ])('%s', async (_, bytes, code) => {
    const port = await serve();
    expect((await said(port, bytes)).slice(9, 12)).toBe(code);
    expect(refused).toEqual(['large']);
  });
});

describe('time', () => {
  const begin = (): void => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

  test.each([
    ['that says nothing', '', bounds.head],
    ['that begins a head', 'GET / HTTP/1.1\r\n', bounds.head],
    [
      'that sends half a body',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf',
      bounds.answer,
    ],
  ])('of a connection %s is over', async (_, bytes, time) => {
    begin();
    const heard = Promise.withResolvers<void>();
    const port = await serve({}, async (exchange) => {
      heard.resolve();
      await echo(exchange);
    });
    const socket = await visitor(port);
    const gone = closed(socket);
    if (bytes !== '') socket.write(bytes);
    if (time === bounds.answer) await heard.promise;
    while (server.connections === 0) await new Promise(setImmediate);
    vi.advanceTimersByTime(time - 1);
    expect(refused).toEqual([]);
    vi.advanceTimersByTime(1);
    await gone;
    expect(refused).toEqual(['slow']);
  });

  test('of who does not read his answer is over', async () => {
    begin();
    const port = await serve(
      {},
      async ({ response }) => void response.end(Buffer.alloc(20_000_000)),
    );
    const socket = await visitor(port);
    socket.pause();
    socket.write(get('/'));
    await once(socket, 'readable');
    vi.advanceTimersByTime(bounds.answer);
    await closed(socket);
    expect(refused).toEqual(['slow']);
  });

  test('of a stream is not', async () => {
    begin();
    const port = await serve({}, async ({ response, isStream }) => {
      isStream();
      response.write('begun');
    });
    const socket = await visitor(port);
    socket.write(get('/'));
    await once(socket, 'data');
    vi.advanceTimersByTime(10 * bounds.answer);
    expect(refused).toEqual([]);
  });
});

test('a connection that is idle makes room, the longest idle first', async () => {
  const port = await serve();
  const [first, second, third, fourth] = await Promise.all(
    Array.from({ length: 4 }, () => visitor(port)),
  );
  if (!first || !second || !third || !fourth) throw new Error('no visitors');
  first.write(get('/busy'));
  await once(first, 'data'); // so it is the last to have been idle
  const gone = closed(second);
  expect(answers(await said(port, last))).toEqual(['/last']);
  await gone;
  expect([first, third, fourth].map((socket) => socket.closed)).toEqual([false, false, false]);
  expect(refused).toEqual(['idle']);
});

test('close ends what is open, and what waits for its turn', async () => {
  const port = await serve({}, async () => server.close()); // before the second has its turn
  const both = await Promise.all([visitor(port), visitor(port)]);
  const ends = both.map((socket) => closed(socket));
  for (const socket of both) socket.write(last);
  await Promise.all(ends);
  expect(server.connections).toBe(0);
});
