/** Waiting for an address that the other process has. */
import { once } from 'node:events';
import net, { type AddressInfo, type Server } from 'node:net';
import { expect, test } from 'vitest';
import { openWhenFree } from '../../../../src/lib/net/bind-retry.ts';
import { AddressInUse, SettingError } from '../../../../src/lib/setting-error.ts';

const never = new AbortController().signal;

async function listenOn(port: number): Promise<Server> {
  const server = net.createServer().listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? new AddressInUse('observe', 'is in use') : error;
  });
  return server;
}

test('what is free is opened at once, and nobody is told', async () => {
  const told: SettingError[] = [];
  const server = await openWhenFree(
    () => listenOn(0),
    (refusal) => told.push(refusal),
    never,
  );
  expect(told).toEqual([]);
  server?.close();
});

test('what is in use is opened when it is free; that it waits is told once', async () => {
  const older = await listenOn(0);
  const { port } = older.address() as AddressInfo;
  const told: SettingError[] = [];
  let attempts = 0;
  const open = () => {
    attempts += 1;
    if (attempts === 3) older.close();
    return listenOn(port);
  };
  const younger = await openWhenFree(open, (refusal) => told.push(refusal), never);
  expect(younger?.listening).toBe(true);
  expect(attempts).toBeGreaterThan(2);
  expect(told.map(({ message }) => message)).toEqual(['is in use']);
  younger?.close();
});

test('waiting ends with the signal', async () => {
  await using older = await listenOn(0);
  const { port } = older.address() as AddressInfo;
  const stopping = new AbortController();
  const opening = openWhenFree(
    () => listenOn(port),
    () => stopping.abort(),
    stopping.signal,
  );
  expect(await opening).toBeUndefined();
});

test('another failure is not waited for', async () => {
  const open = () => Promise.reject(new SettingError('observe', 'is not an address of this host'));
  await expect(openWhenFree(open, () => {}, never)).rejects.toThrow('not an address');
});
