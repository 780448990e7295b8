/**
 * Any first bytes in any chunks, over a real connection: the protocol is that of a plain reading, and nothing of
 * them is lost. fast-check prints the seed of what fails.
 */
import { once } from 'node:events';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientPreface } from '../../../../src/proxy/http2/frames.ts';
import { nextProtocol, protocolOf } from '../../../../src/proxy/tls/first-bytes.ts';

const never = new AbortController().signal;
let server: Server;
beforeAll(async () => {
  server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

/** As the RFCs have it: TLS begins with a handshake, and HTTP/2 with its preface, all of it. */
function plainReading(bytes: Buffer): ReturnType<typeof protocolOf> {
  if (bytes[0] === 0x16) return 'tls';
  const preface = Buffer.from(clientPreface);
  const isBegun = preface.subarray(0, bytes.length).equals(bytes.subarray(0, preface.length));
  if (!isBegun) return 'http/1.1';
  return bytes.length < preface.length ? undefined : 'h2';
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each)),
  fc
    .tuple(fc.nat(clientPreface.length), fc.uint8Array({ maxLength: 20 }))
    .map(([length, rest]) => Buffer.concat([clientPreface.subarray(0, length), rest])),
  fc.constantFrom(
    ...['GET / HTTP/1.1\r\n\r\n', 'P', 'PR', 'PRI', 'PRJ', ''].map((t) => Buffer.from(t)),
  ),
  fc.uint8Array({ maxLength: 20 }).map((rest) => Buffer.concat([Buffer.from([0x16]), rest])),
);

test('the protocol', () => {
  fc.assert(
    fc.property(bytes, (some) => {
      expect(protocolOf(some)).toBe(plainReading(some));
    }),
    { numRuns: 5_000 },
  );
});

test('on a connection', async () => {
  const cuts = fc.array(fc.nat(40), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(bytes, cuts, async (some, where) => {
      const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
      const [accepted] = (await once(server, 'connection')) as [Socket];
      try {
        client.setNoDelay(true);
        const protocol = nextProtocol(accepted, 60_000, never);
        let from = 0;
        for (const end of [...where.sort((a, b) => a - b), some.length]) {
          client.write(some.subarray(from, end));
          from = Math.max(from, end);
          await new Promise(setImmediate); // often, but not always, a chunk of its own
        }
        client.end();
        expect(await protocol).toBe(plainReading(some));
        expect(accepted.isPaused() || accepted.readableEnded).toBe(true);
        if (plainReading(some) !== undefined) expect(await buffer(accepted)).toEqual(some);
      } finally {
        client.destroy();
        accepted.destroy();
      }
    }),
    { numRuns: 300 },
  );
});
