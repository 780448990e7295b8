/** A member that answers gRPC with far more than etcd would: a scripted HTTP/2 server. */
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { EtcdClient } from '../../../src/etcd/etcd-client.ts';
import { Questions } from '../../../src/leader/questions.ts';

/** A member whose every answer is a message of `length` zero bytes. */
async function memberThatSays(length: number) {
  const server = http2.createServer();
  const sessions = new Set<http2.Http2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.on('error', () => {});
    stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    const message = Buffer.alloc(5 + length);
    message.writeUInt32BE(length, 1);
    stream.end(message);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { scheme: 'http', host: '127.0.0.1', port, tls: () => ({}) } as const;
}

const refused = /larger than max \(65537 vs\.? 65536\)/;

test('an answer of more than 64 KiB about itself is not read', async () => {
  const client = new EtcdClient({ ...(await memberThatSays(65_537)), timeout: 20_000 });
  onTestFinished(() => client.close());
  await expect(client.status()).rejects.toThrow(refused);
});

test('nor is one about the leader; one of 64 KiB is, and is nonsense', async () => {
  const ask = async (length: number): Promise<unknown> => {
    const questions = new Questions(await memberThatSays(length));
    onTestFinished(() => questions.close());
    return questions.status();
  };
  await expect(ask(65_537)).rejects.toThrow(refused);
  await expect(ask(65_536)).resolves.toMatchObject({ leaderId: undefined });
});
