/** What relaying costs in memory, seen in a process that does nothing else. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { CopierName, MemoryFigures } from './relay-process.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
});

/** A relay in front of a member that does `onConnection`. */
async function relay(copier: CopierName, onConnection: (socket: Socket) => void) {
  open = new AsyncDisposableStack();
  const server: Server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    open.defer(() => void socket.destroy());
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.defer(() => void server.close());
  const child: ChildProcess = fork(
    join(import.meta.dirname, 'relay-process.ts'),
    [String((server.address() as AddressInfo).port), copier],
    { execArgv: ['--expose-gc'] },
  );
  open.defer(async () => {
    child.disconnect();
    await once(child, 'exit');
  });
  const [port] = (await once(child, 'message')) as [number];
  return {
    figures: async (): Promise<MemoryFigures> => {
      child.send('figures');
      const [figures] = (await once(child, 'message')) as [MemoryFigures];
      return figures;
    },
    connect: async (): Promise<Socket> => {
      const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
      socket.on('error', () => {});
      open.defer(() => void socket.destroy());
      await once(socket, 'connect');
      return socket;
    },
  };
}

/** Bytes allocated a chunk while `count` questions of 100 bytes are echoed, one after the other. */
async function allocatedPerChunk(copier: CopierName): Promise<number> {
  const { figures, connect } = await relay(copier, (socket) => socket.pipe(socket));
  const client = await connect();
  const question = Buffer.alloc(100);
  const converse = (count: number): Promise<void> =>
    new Promise((resolve) => {
      let answers = 0;
      const onAnswer = (): void => {
        answers += 1;
        if (answers < count) client.write(question);
        else {
          client.off('data', onAnswer);
          resolve();
        }
      };
      client.on('data', onAnswer);
      client.write(question);
    });
  await converse(5_000); // until it is compiled
  const before = await figures();
  const count = 10_000;
  await converse(count);
  const after = await figures();
  return (after.allocated - before.allocated) / (count * 2);
}

test('a chunk through the shared buffer leaves no more garbage than one write request', async () => {
  const shared = await allocatedPerChunk('shared buffer');
  await open.disposeAsync();
  const streams = await allocatedPerChunk('streams');
  expect(shared).toBeLessThan(400);
  expect(streams).toBeGreaterThan(2 * shared); // so that it is what is counted
});

test('a client that stops reading has less than 128 KB held for it', async () => {
  const clients = 100;
  const chunk = Buffer.alloc(64 * 1024);
  let sent = 0;
  const { figures, connect } = await relay('shared buffer', (socket) => {
    const send = (): void => {
      do sent += chunk.length;
      while (socket.write(chunk));
    };
    socket.on('drain', send);
    send();
  });
  const before = await figures();
  for (let count = 0; count < clients; count += 1) (await connect()).pause();
  for (let last = -1; last !== sent; ) {
    last = sent;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const after = await figures();
  expect((after.resident - before.resident) / clients).toBeLessThan(128 * 1024);
});
