/**
 * The status page as people see it: real etcd, the real balancer, and a real Chromium. What it looked like is left
 * in .cache/screenshots/.
 */
import net from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { Balancer } from '../support/balancer.ts';
import { type PathProxy, startPathProxy } from './path-proxy.ts';
import { type Look, openBrowser, Visitor } from './visitor.ts';

const parts = new AsyncDisposableStack();
let browser: Browser;
let cluster: LocalCluster;
let balancer: Balancer;
let proxy: PathProxy;
let visits: Visitor[];

beforeAll(async () => {
  browser = await openBrowser();
  parts.defer(() => browser.close());
  cluster = parts.use(await startLocalCluster({ etcd: await findEtcd(), size: 3 }));
  const endpoints = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  balancer = parts.use(
    await Balancer.start([
      ...['--endpoints', endpoints, '--inspect-interval', '500ms', '--name', 'cp1'],
    ]),
  );
  proxy = parts.use(await startPathProxy(balancer.observeUrl, '/ops/m1'));
  for (let client = 0; client < 12; client += 1) parts.defer(keepConnected(balancer.address));
  await vi.waitUntil(async () => (await balancer.status()).cluster.tolerance === 1, {
    timeout: 20_000,
  });
}, 120_000);
afterAll(() => parts.disposeAsync());

beforeEach(() => {
  visits = [];
});
afterEach(async () => {
  for (const visitor of visits) await visitor[Symbol.asyncDispose]();
});

async function visit(look: Look = {}, url = `${balancer.observeUrl}/`): Promise<Visitor> {
  const visitor = await Visitor.open(browser, url, look);
  visits.push(visitor);
  return visitor;
}

/** A client that asks now and then and comes back when it is sent away. Returns how it is stopped. */
function keepConnected(address: string): () => void {
  const [host, port] = address.split(':');
  let isOver = false;
  let socket: net.Socket;
  const connect = (): void => {
    if (isOver) return;
    socket = net.connect(Number(port), host);
    const ask = setInterval(() => socket.write('GET /version HTTP/1.1\r\nhost: x\r\n\r\n'), 200);
    socket.on('error', () => {}).resume();
    socket.on('close', () => {
      clearInterval(ask);
      setTimeout(connect, 100);
    });
  };
  connect();
  return () => {
    isOver = true;
    socket.destroy();
  };
}

const looks: readonly (Look & { readonly name: string })[] = [
  { name: 'light', colorScheme: 'light' },
  { name: 'dark', colorScheme: 'dark' },
  { name: 'narrow', colorScheme: 'light', width: 360, height: 740 },
  { name: 'wall', colorScheme: 'dark', width: 3840, height: 2160 },
];

/** The page in all looks: whole, without a violation, nothing cut off at the side. */
async function inspect(scene: string, word: string, url?: string): Promise<void> {
  // A wall screen is drawn in software here, which takes a small machine many seconds: once is enough.
  const drawn = looks.filter(({ name }) => name !== 'wall' || scene === 'healthy');
  for (const { name, ...look } of drawn) {
    const visitor = await visit(look, url);
    await visitor.reads(word);
    const wide = await visitor.page.evaluate('document.documentElement.scrollWidth');
    expect(wide, `${scene}, ${name}`).toBeLessThanOrEqual(look.width ?? 1280);
    await visitor.screenshot(`${scene}-${name}`, name === 'narrow');
    expect(await visitor.violations(), `${scene}, ${name}`).toEqual([]);
    expect(visitor.complaints).toEqual([]);
  }
}

describe('with three healthy members', () => {
  test('says so, in every look and without a violation of WCAG', async () => {
    await inspect('healthy', 'Healthy');
  }, 90_000);

  test('shows each member with its state, sessions, rates and latency', async () => {
    const visitor = await visit();
    const { page } = visitor;
    expect(await page.locator('#headline-sentence').textContent()).toBe(
      'All 3 members healthy, one may fail.',
    );
    expect(await page.title()).toBe('Healthy · cp1 · etcd-lb');
    const { cluster: seen } = await balancer.status();
    for (const { name } of cluster.members) {
      const card = visitor.card(name);
      expect(await card.locator('.word').textContent()).toBe('healthy');
      expect(await card.locator('.leader').isVisible()).toBe(seen.leader === name);
      // Not empty from the start, and told in words as well.
      const plot = card.getByRole('img');
      expect(await plot.getAttribute('aria-label')).toMatch(
        new RegExp(
          `^Check latency of ${name}: last .* (none|\\d+) of the last \\d+ checks failed$`,
        ),
      );
      expect(await plot.locator('canvas').count()).toBe(1);
      await card
        .locator('dd', { hasText: /^[\d.]+ k?B\/s$/ })
        .first()
        .waitFor();
    }
    const bars = await page.locator('#spread li').allInnerTexts();
    expect(bars.map((text) => text.split('\n')[0])).toEqual(['m0', 'm1', 'm2']);
  });

  test('asks nobody else, and changes in place', async () => {
    const visitor = await visit();
    const { page } = visitor;
    // What is focused and selected stays so while updates come in.
    await page.locator('#filter-level').focus();
    await page.evaluate(
      `getSelection().selectAllChildren(document.querySelector('#headline-sentence'))`,
    );
    await page.evaluate(`globalThis.card = document.querySelector('.card')`);
    const before = (await page.locator('#identity').textContent()) ?? '';
    await page.locator('#identity', { hasNotText: before }).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('filter-level');
    expect(await page.evaluate('getSelection().toString()')).toBe(
      'All 3 members healthy, one may fail.',
    );
    expect(await page.evaluate(`globalThis.card === document.querySelector('.card')`)).toBe(true);
    const asked = visitor.requests.filter((url) => !url.startsWith('data:'));
    expect(asked.toSorted()).toEqual(
      ['/', '/events', '/page/page.css', '/page/page.js'].map((path) => balancer.observeUrl + path),
    );
    expect(visitor.complaints).toEqual([]);
  });

  test('is used by keyboard alone', async () => {
    const visitor = await visit({ reducedMotion: 'reduce' });
    const { page } = visitor;
    const order: string[] = [];
    for (let press = 0; press < 4; press += 1) {
      await page.keyboard.press('Tab');
      order.push(
        await page.evaluate(`document.activeElement.id || document.activeElement.textContent`),
      );
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe(
        'solid',
      );
    }
    expect(order.slice(0, 3)).toEqual(['Skip to the members', 'filter-member', 'filter-level']);
    expect(order[3]).toMatch(/^[a-z-]+$/); // the evidence of the newest event
    await page.keyboard.press('Enter');
    expect(await page.locator('#events details').first().getAttribute('open')).toBe('');
    await page.locator('.skip').focus();
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('members');
    expect(
      await page.evaluate(`getComputedStyle(document.querySelector('.bar')).transitionDuration`),
    ).toBe('0s');
  });

  test('has landmarks, headings and one live region', async () => {
    const { page } = await visit();
    const tree = await page.locator('body').ariaSnapshot();
    for (const part of [
      ...[
        '- banner:',
        '- main:',
        '- contentinfo:',
        '- status:',
        'region "Members"',
        'region "Events"',
      ],
      ...['heading "Cluster" [level=2]', 'heading "m0" [level=3]', 'combobox "Member"'],
    ]) {
      expect(tree).toContain(part);
    }
    expect(await page.locator('[aria-live]').count()).toBe(1);
  });

  test('filters events by member and level', async () => {
    const { page } = await visit();
    const shown = () => page.locator('#events > li:visible').allInnerTexts();
    await page.locator('#filter-member').selectOption('m1');
    for (const text of await shown()) expect(text).toContain('m1');
    expect(await shown()).not.toEqual([]);
    await page.locator('#filter-level').selectOption('error');
    expect(await shown()).toEqual([]);
    expect(await page.locator('#no-events').isVisible()).toBe(true);
  });

  test('works behind a path, and without the slash at its end says what is missing', async () => {
    const visitor = await visit({}, `${proxy.url}/`);
    await visitor.reads('Healthy');
    expect(
      visitor.requests.every((url) => url.startsWith(proxy.url) || url.startsWith('data:')),
    ).toBe(true);
    expect(visitor.complaints).toEqual([]);
    const lost = await Visitor.arrive(browser, proxy.url);
    visits.push(lost);
    expect(await lost.page.getByText('has to end with a slash').isVisible()).toBe(true);
  });
});

test('shows that it hears nothing any more, since when, and goes on when it does again', async () => {
  const visitor = await visit({}, `${proxy.url}/`);
  await visitor.reads('Healthy');
  proxy.cut();
  await visitor.reads('Connection lost');
  const { page } = visitor;
  expect(await page.locator('#headline-more').textContent()).toMatch(
    /^Last update at \d\d:\d\d:\d\d\.\d, (now|\d s ago)\. Trying again\.$/,
  );
  expect(await page.evaluate(`getComputedStyle(document.querySelector('#content')).filter`)).toBe(
    'grayscale(1)',
  );
  expect(await page.title()).toBe('Connection lost · cp1 · etcd-lb');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await visitor.screenshot(`lost-${colorScheme}`);
    expect(await visitor.violations()).toEqual([]);
  }
  await page.evaluate(`globalThis.isSamePage = true`);
  const events = await page.locator('#events > li').count();
  await proxy.restore();
  await visitor.reads('Healthy');
  expect(await page.evaluate('globalThis.isSamePage')).toBe(true);
  expect(await page.locator('#events > li').count()).toBe(events); // none twice
});

describe('when members fail', () => {
  test('shows it as soon as it is known', async () => {
    const visitor = await visit();
    const { page } = visitor;
    await visitor.reads('Healthy');
    const leader = await cluster.leader();
    const victim = cluster.members.find((member) => member !== leader) ?? leader;
    await page.evaluate(`
      globalThis.changed = new Promise((resolve) => {
        const word = document.querySelector('#headline-word');
        const look = () => word.textContent === 'At risk' && resolve(Date.now());
        new MutationObserver(look).observe(word, { characterData: true, childList: true, subtree: true });
      });
      undefined; // a promise would be waited for
    `);
    const killedAt = Date.now();
    await victim.kill();
    const changedAt = (await page.evaluate('globalThis.changed')) as number;
    const { members } = await balancer.status();
    const knownAt = Date.parse(members.find(({ name }) => name === victim.name)?.since ?? '');
    console.log(
      `the page showed the failure ${changedAt - killedAt} ms after the kill, ${changedAt - knownAt} ms after /status`,
    );
    // One status interval; what is measured is far below.
    expect(changedAt - knownAt).toBeLessThanOrEqual(1_000);
    expect(await page.locator('#headline-sentence').textContent()).toMatch(
      new RegExp(`^${victim.name} (failed|is suspect): .*; no further failure is tolerated\\.$`),
    );
    await visitor.card(victim.name).locator('.word', { hasText: 'failed' }).waitFor();
    expect(await page.locator('#headline-help code').allTextContents()).toEqual([
      ...[`etcd-lb events --member ${victim.name}`, 'etcd-lb check'],
    ]);
    // Its sessions are gone, and so are the figures of them.
    const figures = visitor.card(victim.name).locator('.figures dd > span');
    await vi.waitFor(async () =>
      expect((await figures.allTextContents()).slice(0, 5)).toEqual(['0', '–', '–', '–', '–']),
    );
    await page
      .locator('#events [data-level=warn]', { hasText: `${victim.name}: healthy -> ` })
      .first()
      .waitFor();
    expect(visitor.complaints).toEqual([]);
    await inspect('failed', 'At risk');
  }, 90_000);

  test('shows that it holds what clients send, for whom and for how long', async () => {
    const visitor = await visit();
    const leader = await cluster.leader();
    // Without a quorum it lasts as long as it may.
    const lost = [leader, cluster.members.find((member) => member !== leader)];
    await Promise.all(lost.map((member) => member?.kill()));
    await visitor.page.locator('#headline-word', { hasText: /^Holding/ }).waitFor();
    expect(await visitor.page.locator('#headline-sentence').textContent()).toMatch(
      new RegExp(`^${leader.name}, the leader, .*What clients send waits, at most 4 s`),
    );
    await visitor.screenshot('holding');
    const { hold } = await balancer.status();
    expect(hold.current).toMatchObject({ leader: leader.name, cause: 'gone' });
    await balancer.logged((line) => line.event === 'hold-ended' && line['end'] === 'expired');
    await visitor.page.locator('#headline-word', { hasText: /^(?!Holding)/ }).waitFor();
    await Promise.all(lost.map((member) => member?.start()));
    await visitor.reads('Healthy');
    expect(visitor.complaints).toEqual([]);
  }, 90_000);

  test('shows panic when all are gone, and that they come back', async () => {
    const visitor = await visit();
    await Promise.all(cluster.members.map((member) => member.kill()));
    await visitor.reads('Panic');
    await inspect('panic', 'Panic');
    await Promise.all(cluster.members.map((member) => member.start()));
    await visitor.reads('Healthy');
    expect(visitor.complaints).toEqual([]);
  }, 90_000);
});

test('of a balancer that stops it says so, and then that it is gone', async () => {
  const visitor = await visit();
  const { page } = visitor;
  await page.evaluate(`
    globalThis.words = [];
    const word = document.querySelector('#headline-word');
    new MutationObserver(() => globalThis.words.push(word.textContent))
      .observe(word, { characterData: true, childList: true, subtree: true });
  `);
  await balancer.stop();
  await visitor.reads('Connection lost');
  expect(await page.evaluate('globalThis.words')).toEqual(['Stopping', 'Connection lost']);
});
