/** A relay that is followed: a plain copy of both directions, but for the word that it puts in. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { CallFigures } from '../../src/proxy/http2/call-figures.ts';
import { Calls } from '../../src/proxy/http2/calls.ts';
import type { Copier } from '../../src/proxy/relay/copier.ts';
import {
  connectToSharedBuffer,
  copyBesideTls,
  copyThroughSharedBuffer,
} from '../../src/proxy/relay/shared-buffer.ts';
import { copyThroughStreams } from '../../src/proxy/relay/streams.ts';
import { type Conversation, converse, gaps } from '../support/http2-frames.ts';
import { Pairs, type Relayed, relayed } from '../support/tcp.ts';
import { memberAt } from '../unit/proxy/members.ts';

/** A busy machine needs more than the second that is usual. */
const patience = { timeout: 20_000 };

const copiers: [string, Copier, typeof connectToSharedBuffer?][] = [
  ['shared buffer', copyThroughSharedBuffer, connectToSharedBuffer],
  ['streams', copyThroughStreams],
  ['shared buffer beside TLS', copyBesideTls],
];

let said: Conversation;
beforeAll(async () => {
  said = await converse(7);
});

describe.each(copiers)('through %s', (_, copy, connect) => {
  let pairs: Pairs;
  beforeEach(async () => {
    pairs = await Pairs.open();
  });
  afterEach(() => pairs[Symbol.asyncDispose]());

  async function followed(): Promise<{ session: Relayed; calls: Calls }> {
    const calls = new Calls(memberAt(1, 'm0'), new CallFigures());
    return { session: await relayed(pairs, copy, connect, calls), calls };
  }

  test('what both say arrives unaltered, and the word in one place between two frames', async () => {
    const chunks = fc.array(fc.integer({ min: 50, max: 30_000 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(chunks, chunks, fc.nat(90), async (up, down, percent) => {
        const { session, calls } = await followed();
        const { client, member, relay, ended } = session;
        const [atMember, atClient] = [received(member), received(client)];
        const bidAt = (said.server.length * percent) / 100;
        await Promise.all([
          send(client, said.client, up, () => {}),
          send(member, said.server, down, (sent) => {
            if (sent > bidAt && calls.requestGoAway()) relay.inject(calls.injection);
          }),
        ]);
        expect(Buffer.compare(await atMember, said.client)).toBe(0);
        const heard = await atClient;
        const place = heard.indexOf(calls.injection);
        expect([0, ...gaps(said.server)]).toContain(place);
        const others = Buffer.concat([
          heard.subarray(0, place),
          heard.subarray(place + calls.injection.length),
        ]);
        expect(Buffer.compare(others, said.server)).toBe(0);
        await ended;
      }),
      { numRuns: 15, endOnFailure: true },
    );
  });

  test('bytes that are no HTTP/2 are copied as they are', async () => {
    const { session, calls } = await followed();
    const { client, member, ended } = session;
    const [atMember, atClient] = [received(member), received(client)];
    const question = Buffer.from('GET /health HTTP/1.1\r\nHost: etcd\r\n\r\n');
    const answer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    client.end(question);
    await once(member, 'data');
    expect(calls.requestGoAway()).toBe(false);
    member.end(answer);
    expect(await atMember).toEqual(question);
    expect(await atClient).toEqual(answer);
    await ended;
    expect(calls.state).toBe('lost');
  });

  test('finishing sends all that was said, then ends both connections', async () => {
    const { session } = await followed();
    const { client, member, relay, ended } = session;
    const [atClient, left] = [received(client), once(member, 'end')];
    member.write(said.server);
    member.resume();
    await vi.waitUntil(() => session.counts.member === said.server.length, patience);
    relay.finish();
    client.write('something that nobody reads');
    client.end();
    expect(Buffer.compare(await atClient, said.server)).toBe(0);
    await left;
    expect(await ended).toBe('closed-by-us');
  });
});

/** All that comes, once the other side has ended. */
async function received(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket.resume(), 'end');
  return Buffer.concat(chunks);
}

/** Writes `bytes` in chunks of these lengths, over and over, and ends. Told how many it has written. */
async function send(
  socket: Socket,
  bytes: Buffer,
  lengths: readonly number[],
  onChunk: (sent: number) => void,
): Promise<void> {
  let from = 0;
  for (let index = 0; from < bytes.length; index += 1) {
    const end = Math.min(bytes.length, from + (lengths[index % lengths.length] ?? bytes.length));
    if (!socket.write(bytes.subarray(from, end))) await once(socket, 'drain');
    else await new Promise((resolve) => setImmediate(resolve));
    from = end;
    onChunk(from);
  }
  socket.end();
}
