/**
 * What the page says when all members are healthy and the balancer itself is not: real etcd, the real balancer
 * and a real Chromium. What it looked like is left in .cache/screenshots/.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { Balancer } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { type Look, openBrowser, Visitor } from './visitor.ts';

const parts = new AsyncDisposableStack();
const day = 24 * 3_600_000;
const megabytes = (count: number): string => String(count * 1_000_000);
let browser: Browser;
let cluster: LocalCluster;
let certificates: Certificates;
let balancer: Balancer;
let file: string;
let visitor: Visitor;

beforeAll(async () => {
  browser = await openBrowser();
  parts.defer(() => browser.close());
  certificates = parts.use(await createCertificates());
  const extraArgs = ['--quota-backend-bytes', megabytes(64)];
  cluster = parts.use(await startLocalCluster({ etcd: await findEtcd(), size: 3, extraArgs }));
  file = join(certificates.folder, 'etcd-lb.yaml');
  await write(90, {});
  balancer = parts.use(await Balancer.start(['--config', file, '--observe', '127.0.0.1:0']));
  visitor = parts.use(await Visitor.open(browser, `${balancer.observeUrl}/`));
}, 60_000);
afterAll(() => parts.disposeAsync());

/** Writes the configuration, with a certificate that is valid for so many days. */
async function write(days: number, more: Readonly<Record<string, string>>): Promise<void> {
  const notAfter = new Date(Date.now() + days * day + 60_000);
  const { cert, key } = await certificates.issue(`for-${days}-days`, [], notAfter);
  const endpoints = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  const settings = {
    ...{ endpoints, cert, key, name: 'cp1', listen: '127.0.0.1:0' },
    ...{ 'max-connections': '3', 'inspect-interval': '500ms', ...more },
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${value}\n`);
  await writeFile(file, lines.join(''));
}

async function reload(event: 'reloaded' | 'reload-refused'): Promise<void> {
  const { length } = balancer.log;
  balancer.signal('SIGHUP');
  await balancer.logged((line) => line.event === event, length);
}

async function connect(): Promise<net.Socket> {
  const [host, port] = balancer.address.split(':');
  const socket = net.connect(Number(port), host).on('error', () => {});
  parts.defer(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write('GET /version HTTP/1.1\r\nhost: x\r\n\r\n');
  return socket.resume();
}

/** Value and small print of a fact, by its label. */
async function fact(label: string): Promise<string | undefined> {
  const facts = await visitor.page.locator('.fact').allInnerTexts();
  return facts.find((text) => text.startsWith(`${label}\n`))?.slice(label.length + 1);
}

const looks: readonly (Look & { readonly name: string })[] = [
  { name: 'light', colorScheme: 'light' },
  { name: 'dark', colorScheme: 'dark' },
  { name: 'narrow-light', colorScheme: 'light', width: 360, height: 740 },
  { name: 'narrow-dark', colorScheme: 'dark', width: 360, height: 740 },
];

test('it names the balancer, and the facts about it', async () => {
  const { page } = visitor;
  await visitor.reads('Healthy');
  expect(await page.locator('h1').textContent()).toMatch(/^etcd-lb\s+cp1\s+127\.0\.0\.1:\d+$/);
  expect(await page.title()).toBe('Healthy · cp1 · etcd-lb');
  expect(await page.locator('#headline-help li').count()).toBe(0);
  expect(await fact('Sessions')).toBe('0\nof 3 at most');
  expect(await fact('Certificates')).toBe('90 days\nleft of --cert');
  await vi.waitUntil(async () => (await fact('Database'))?.includes('of the quota of m'), {
    timeout: 10_000,
  });
  // What goes through a member without sessions is not 0 but nothing.
  const figures = visitor.card('m0').locator('.figures dd');
  expect((await figures.allInnerTexts()).slice(0, 4)).toEqual(['0', '–', '–', '–']);
  // Each member is asked for its quota by itself.
  const database = (): Promise<string | null> => figures.nth(4).textContent();
  await expect.poll(database, { timeout: 10_000 }).toMatch(/^[\d.]+ kB 1 %$/);
});

test('it is not healthy while a certificate ends, a reload was refused, or clients are turned away', async () => {
  const { page } = visitor;
  const help = page.locator('#headline-help code');
  const also = page.locator('#headline-also');
  await write(3, {});
  await reload('reloaded');
  await visitor.reads('Certificate ends soon');
  expect(await page.locator('#headline-sentence').textContent()).toMatch(
    /^The certificate of --cert \(.*\) ends on \d{4}-\d\d-\d\d\./,
  );
  expect(await fact('Certificates')).toBe('3 d\nleft of --cert');
  expect(await fact('Last reload')).toMatch(/^applied\n/);

  await write(3, { balance: 'nobody' });
  await reload('reload-refused');
  await visitor.reads('Reload refused');
  expect(await page.locator('#headline-sentence').textContent()).toMatch(
    /etcd-lb\.yaml:8:10: balance: "nobody" is not/,
  );
  expect(await help.allInnerTexts()).toEqual(['etcd-lb reload']);
  expect(await also.textContent()).toBe('Also: Certificate ends soon.');

  for (let client = 0; client < 3; client += 1) await connect();
  const refused = await connect();
  await vi.waitUntil(() => refused.destroyed); // it was reset
  await visitor.reads('Turning clients away');
  expect(await also.textContent()).toBe('Also: Reload refused, Certificate ends soon.');
  expect(await page.title()).toBe('Turning clients away · cp1 · etcd-lb');
  expect(await fact('Turned away')).toMatch(/^1\nlimit, /);
  expect(await help.allInnerTexts()).toEqual(['etcd-lb sessions']);
  // One click selects the command.
  await help.click();
  expect(await page.evaluate('getSelection().toString()')).toBe('etcd-lb sessions');
  expect(visitor.complaints).toEqual([]);
}, 30_000);

test.each(looks)('looks as it should, $name', async ({ name, ...look }) => {
  await using other = await Visitor.open(browser, `${balancer.observeUrl}/`, look);
  await other.reads('Turning clients away');
  const wide = await other.page.evaluate('document.documentElement.scrollWidth');
  expect(wide).toBeLessThanOrEqual(look.width ?? 1280);
  await other.screenshot(`own-trouble-${name}`, name.startsWith('narrow'));
  expect(await other.violations()).toEqual([]);
  expect(other.complaints).toEqual([]);
});

test('is healthy again when the settings are corrected', async () => {
  await write(90, { 'max-connections': '9' });
  await reload('reloaded');
  await visitor.reads('Healthy');
  expect(await fact('Turned away')).toMatch(/^1\nlimit, /);
  expect(await fact('Sessions')).toBe('3\nof 9 at most');
}, 30_000);
