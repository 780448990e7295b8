/** The heartbeat against a scripted TCP peer: what is an answer, and what is a cut. */
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Heartbeat } from '../../../src/leader/heartbeat.ts';
import { lookup } from '../../support/lookup.ts';

/** The same object every time: another one is a reload. */
const noTls = {};

let server: net.Server;
let accepted: Socket[];
let reply: (socket: Socket) => void;
let heartbeat: Heartbeat;
let answers: number[];
let cuts: number;

function heartbeatTo(port: number, isSelf = false): Heartbeat {
  return new Heartbeat({
    url: `http://127.0.0.1:${port}`,
    lookup,
    tls: () => noTls,
    isSelf: () => isSelf,
    onAnswer: (askedAt) => answers.push(askedAt),
    onCut: () => {
      cuts += 1;
    },
  });
}

const portOf = (of: net.Server): number => (of.address() as AddressInfo).port;

beforeEach(async () => {
  accepted = [];
  answers = [];
  cuts = 0;
  reply = (socket) => socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
  server = net.createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    socket.on('data', () => reply(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  heartbeat = heartbeatTo(portOf(server));
});
afterEach(() => {
  heartbeat.close();
  for (const socket of accepted) socket.destroy();
  server.close();
});

test('whatever comes back is an answer, to the question that was asked first', async () => {
  heartbeat.ask(10);
  heartbeat.ask(20); // the first is still open
  expect(heartbeat.waitingSince).toBe(10);
  await vi.waitUntil(() => answers.length === 1);
  expect(heartbeat.waitingSince).toBeUndefined();
  heartbeat.ask(30);
  await vi.waitUntil(() => answers.length === 2);
  expect(answers).toEqual([10, 30]);
  expect(accepted).toHaveLength(1); // one connection for all
  expect(cuts).toBe(0);
});

test('the end of a process is a cut at once, without a question', async () => {
  heartbeat.ask(10);
  await vi.waitUntil(() => answers.length === 1);
  accepted[0]?.resetAndDestroy();
  await vi.waitUntil(() => cuts === 1);
  heartbeat.ask(20); // it connects again
  await vi.waitUntil(() => answers.length === 2);
  expect(cuts).toBe(1);
});

test('a question that the cut has swallowed stays open until another is answered', async () => {
  reply = (socket) => socket.destroy();
  heartbeat.ask(10);
  await vi.waitUntil(() => cuts === 1);
  expect(heartbeat.waitingSince).toBe(10);
  reply = (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n');
  heartbeat.ask(20);
  await vi.waitUntil(() => answers.length === 1);
  expect(answers).toEqual([10]);
});

test('a refused connection is a cut', async () => {
  const gone = net.createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const port = portOf(gone);
  gone.close();
  await once(gone, 'close');
  heartbeat = heartbeatTo(port);
  heartbeat.ask(10);
  await vi.waitUntil(() => cuts === 1);
  expect(heartbeat.waitingSince).toBe(10);
});

test('a member that says nothing is neither an answer nor a cut', async () => {
  const heard = Promise.withResolvers<void>();
  reply = () => heard.resolve();
  heartbeat.ask(10);
  await heard.promise;
  expect(heartbeat.waitingSince).toBe(10);
  expect([answers.length, cuts]).toEqual([0, 0]);
});

test('a close of our own is no cut', async () => {
  heartbeat.ask(10);
  await vi.waitUntil(() => answers.length === 1);
  const [socket] = accepted;
  heartbeat.close();
  if (socket !== undefined) await once(socket, 'close');
  expect(cuts).toBe(0);
});

test('this balancer itself is not asked', async () => {
  heartbeat = heartbeatTo(portOf(server), true);
  heartbeat.ask(10);
  await vi.waitUntil(() => accepted.length === 1);
  await vi.waitUntil(() => accepted[0]?.closed);
  expect([answers.length, cuts]).toEqual([0, 0]);
});
