/** Visitors of the observe listener and the admin socket while the process has no descriptor left. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AdminClient } from '../../src/admin/client.ts';
import { usageOf } from '../machine/usage.ts';
import { Balancer } from '../support/balancer.ts';
import { ask, connect } from './client.ts';
import { EchoMember } from './echo-member.ts';

const patience = { interval: 20, timeout: 20_000 };

let parts: AsyncDisposableStack;
let socket: string;
let balancer: Balancer;
beforeEach(async () => {
  parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-descriptors-'));
  parts.defer(() => rm(folder, { recursive: true }));
  socket = join(folder, 'admin.sock');
  const member = parts.use(await EchoMember.start());
  balancer = parts.use(await Balancer.start([...member.flags, '--admin-socket', socket]));
  await balancer.healthy(['m0']);
});
afterEach(() => parts.disposeAsync());

/** How many it may have open; the most that it ever may stays what it was. */
async function allow(descriptors: number): Promise<void> {
  await promisify(execFile)('prlimit', ['--pid', `${balancer.pid}`, `--nofile=${descriptors}:`]);
}

/** A visitor that was turned away, or that nobody has accepted yet. */
async function visit(to: net.NetConnectOpts): Promise<void> {
  const visitor = net.connect(to);
  visitor.on('error', () => {});
  parts.defer(() => void visitor.destroy());
  await once(visitor, 'connect').catch(() => {});
}

test('do not keep it busy, nor traffic from what it has, and are served again afterwards', async () => {
  const observe = Number(new URL(balancer.observeUrl).port);
  const client = await connect(balancer.address);
  expect(await ask(client, 'before')).toBe('before');
  const open = readdirSync(`/proc/${balancer.pid}/fd`).length;
  await allow(open);
  for (let each = 0; each < 40; each += 1) {
    await visit({ port: observe, host: '127.0.0.1' });
    await visit({ path: socket });
  }
  const [began, before] = [performance.now(), usageOf(balancer.pid).cpu];
  await delay(1_000); // that nothing goes on takes time to see
  const share = (usageOf(balancer.pid).cpu - before) / 1_000 / (performance.now() - began);
  expect(share).toBeLessThan(0.5); // a listener that spins takes all there is
  expect(await ask(client, 'meanwhile')).toBe('meanwhile');
  client.destroy();
  await allow(open + 200);
  const livez = async () => (await fetch(`${balancer.observeUrl}/livez`)).status === 200;
  await vi.waitUntil(() => livez().catch(() => false), patience);
  expect((await new AdminClient(socket).status()).mode).toBe('normal');
});

test('cannot take more than was set aside for them', async () => {
  const observe = Number(new URL(balancer.observeUrl).port);
  const count = () => readdirSync(`/proc/${balancer.pid}/fd`).length;
  const before = count();
  for (let each = 0; each < 200; each += 1) {
    await visit({ port: observe, host: '127.0.0.1' });
    await visit({ path: socket });
  }
  expect((await fetch(`${balancer.observeUrl}/livez`)).status).toBe(200);
  expect(count()).toBeLessThanOrEqual(before + 64 + 32 + 8); // checks come and go
  expect(count()).toBeGreaterThan(before + 64);
});
