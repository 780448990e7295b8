/**
 * How long new connections take, seen by clients: from connecting until the member on the other end
 * has said something. It greets at once (HTTP/2 SETTINGS), whatever the cluster is like, so this is
 * the balancer's dial and hardly anything else.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Where } from './client.ts';
import { greeting } from './greeting.ts';
import { now } from './plan.ts';
import { connector } from './socket.ts';

const count = 20;
const every = 50;
const patience = 5_000;

/** For 20 connections within a second, each to one of the addresses, ms; Infinity for none in 5 s. */
export async function firstBytes({ addresses, tls }: Where): Promise<number[]> {
  const times: Promise<number>[] = [];
  for (let each = 0; each < count; each += 1) {
    times.push(firstByte(connector(addresses[each % addresses.length] ?? '', tls)));
    await delay(every);
  }
  return await Promise.all(times);
}

async function firstByte(connect: () => Socket): Promise<number> {
  const begun = now();
  const socket = connect();
  socket.write(greeting);
  try {
    await once(socket, 'data', { signal: AbortSignal.timeout(patience) });
    return now() - begun;
  } catch {
    return Number.POSITIVE_INFINITY;
  } finally {
    socket.destroy();
  }
}
