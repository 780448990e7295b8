/** A listener whose address another process may have. */
import { once } from 'node:events';
import net, { type AddressInfo, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { AddressInUse, SettingError } from '../../../src/lib/setting-error.ts';
import { type ListenerOptions, ManagementListener } from '../../../src/management/listener.ts';

const patience = { interval: 5, timeout: 10_000 };

async function listenOn(port: number): Promise<Server> {
  const server = net.createServer().listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? new AddressInUse('observe', 'is in use') : error;
  });
  return server;
}

/** What a listener with these options says, and the listener. */
async function listener(open: () => Promise<Server>, also: Partial<ListenerOptions<Server>> = {}) {
  const told: string[] = [];
  const opened = await ManagementListener.open({
    ...{ open, inherited: undefined, isShared: true },
    onWaiting: ({ message }) => told.push(message),
    onOpened: ({ listening }) => told.push(`listening: ${listening}`),
    ...also,
  });
  return { listener: opened, told };
}

test('what is free is opened at once, and nobody is told', async () => {
  const { listener: younger, told } = await listener(() => listenOn(0));
  const server = younger.server;
  expect(server?.listening).toBe(true);
  expect(told).toEqual([]);
  younger.close();
  expect([server?.listening, younger.server]).toEqual([false, undefined]);
});

test('what is in use is opened when it is free; that it waits is told once', async () => {
  const older = await listenOn(0);
  const { port } = older.address() as AddressInfo;
  let attempts = 0;
  const open = () => {
    attempts += 1;
    if (attempts === 3) older.close();
    return listenOn(port);
  };
  const { listener: younger, told } = await listener(open);
  expect(younger.server).toBeUndefined();
  await vi.waitUntil(() => younger.server?.listening, patience);
  expect(attempts).toBeGreaterThan(2);
  expect(told).toEqual(['is in use', 'listening: true']);
  younger.close();
});

test('waiting ends with the listener', async () => {
  await using older = await listenOn(0);
  const { port } = older.address() as AddressInfo;
  let attempts = 0;
  const { listener: younger, told } = await listener(() => {
    attempts += 1;
    return listenOn(port);
  });
  younger.close();
  older.close();
  await delay(600); // two further attempts
  expect([attempts, younger.server, told]).toEqual([1, undefined, ['is in use']]);
});

test('what opens when the listener was closed is closed', async () => {
  const opening = Promise.withResolvers<Server>();
  const open = vi.fn().mockRejectedValueOnce(new AddressInUse('observe', 'is in use'));
  const { listener: younger, told } = await listener(open.mockReturnValue(opening.promise));
  await vi.waitUntil(() => open.mock.calls.length === 2, patience);
  younger.close();
  const server = await listenOn(0);
  opening.resolve(server);
  await vi.waitUntil(() => !server.listening, patience);
  expect([younger.server, told]).toEqual([undefined, ['is in use']]);
});

test('another failure is not waited for', async () => {
  const open = () => Promise.reject(new SettingError('observe', 'is not an address of this host'));
  await expect(listener(open)).rejects.toThrow('not an address');
});

test('an address in use is not waited for where listeners are not shared', async () => {
  const open = () => Promise.reject(new AddressInUse('observe', 'is in use'));
  await expect(listener(open, { isShared: false })).rejects.toThrow('is in use');
});

test('only an inherited socket is yielded', async () => {
  const { listener: own } = await listener(() => listenOn(0));
  own.yield();
  expect(own.server?.listening).toBe(true);
  own.close();
  const { listener: inherited } = await listener(() => listenOn(0), { inherited: 3 });
  inherited.yield();
  expect(inherited.server).toBeUndefined();
});
