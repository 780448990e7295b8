import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { clientPreface } from '../../../../src/proxy/http2/frames.ts';
import { nextProtocol, protocolOf } from '../../../../src/proxy/tls/first-bytes.ts';

const never = new AbortController().signal;

test.each([
  ['', undefined],
  ['P', undefined],
  ['PR', undefined],
  ['PRI', undefined],
  [clientPreface.subarray(0, -1), undefined],
  [clientPreface, 'h2'],
  [Buffer.concat([clientPreface, Buffer.from('more')]), 'h2'],
  ['PRI * HTTP/1.1', 'http/1.1'],
  ['PO', 'http/1.1'],
  ['GET / HTTP/1.1', 'http/1.1'],
  ['\x16\x03\x01', 'tls'],
])('%j is %s', (bytes, protocol) => {
  expect(protocolOf(Buffer.from(bytes))).toBe(protocol);
});

describe('of a client', () => {
  test('are told, and can be read afterwards', async () => {
    const { client, accepted } = await pair();
    client.write('P');
    setTimeout(() => client.end('UT /one'), 20);
    expect(await nextProtocol(accepted, 5_000, never)).toBe('http/1.1');
    expect(accepted.isPaused()).toBe(true);
    expect(await text(accepted)).toBe('PUT /one');
  });

  test('may not come: it leaves, it is silent, we stop', async () => {
    const leaving = await pair();
    leaving.client.end();
    expect(await nextProtocol(leaving.accepted, 5_000, never)).toBe(undefined);
    expect(await nextProtocol((await pair()).accepted, 20, never)).toBe(undefined);
    const stopping = new AbortController();
    const waiting = nextProtocol((await pair()).accepted, 5_000, stopping.signal);
    stopping.abort();
    expect(await waiting).toBe(undefined);
  });
});

/** A connection as listeners hand it on. */
async function pair(): Promise<{ client: Socket; accepted: Socket }> {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0);
  await once(server, 'listening');
  const client = net.connect((server.address() as AddressInfo).port);
  const [accepted] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return { client, accepted };
}
