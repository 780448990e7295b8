/**
 * A hold as people see it in a real Chromium. It is over within seconds where it is real, so that here one is told
 * by an observe listener with no balancer behind.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CurrentHold } from '../../src/leader/hold-status.ts';
import { CheckHistory } from '../../src/observe/check-history.ts';
import { EventLog } from '../../src/observe/events/event-log.ts';
import { openObserveServer } from '../../src/observe/server/http.ts';
import { holdStatus, type Status } from '../../src/observe/status.ts';
import { pageFiles } from '../../src/page/from-source.ts';
import { updateWith } from '../unit/page/updates.ts';
import { startPathProxy } from './path-proxy.ts';
import { type Look, openBrowser, Visitor } from './visitor.ts';

const parts = new AsyncDisposableStack();
const why = 'm0, the leader, does not answer';
const sentence =
  'm0, the leader, does not answer. What clients send waits, at most 4 s, until there is a leader.';
let browser: Browser;
let url: string;
let events: EventLog;
let hold: Parameters<typeof holdStatus>[0];

beforeAll(async () => {
  browser = await openBrowser();
  parts.defer(() => browser.close());
  events = new EventLog();
  const status = (): Status => {
    const told = { hold: holdStatus(hold, Date.now()), startedAt: new Date().toISOString() };
    const { at: _at, ...status } = updateWith(told);
    return { ...status, events: [] };
  };
  const server = await openObserveServer({
    ...{ host: '127.0.0.1', port: 0, status, page: pageFiles },
    stream: { status, events, checks: new CheckHistory(() => []) },
    names: [],
    onRefused: () => {},
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
  });
  parts.defer(() => server.close());
  url = `http://127.0.0.1:${server.port}/`;
});
afterAll(() => parts.disposeAsync());

beforeEach(() => {
  hold = { limit: 4_000, current: undefined, last: undefined };
});

function begin(told: Pick<CurrentHold, 'cause' | 'why'> = { cause: 'unresponsive', why }): void {
  const current = { ...told, leader: 'm0', since: Date.now() };
  hold = { ...hold, current };
  events.record({ kind: 'hold-began', ...current });
}

function end(): void {
  const { current } = hold;
  if (current === undefined) return;
  const duration = Date.now() - current.since;
  const last = { ...current, end: 'elected', successor: 'm1', duration } as const;
  hold = { ...hold, current: undefined, last };
  events.record({ kind: 'hold-ended', ...last });
}

test('is told at once, counts on, and is read out once', async () => {
  await using visitor = await Visitor.open(browser, url);
  const { page } = visitor;
  const clock = page.locator('#headline-clock');
  const reason = visitor.card('m0').locator('.reasons li');
  await visitor.reads('Healthy');
  expect(await clock.isVisible()).toBe(false);
  await page.evaluate(`
    globalThis.said = [];
    globalThis.counted = [];
    globalThis.told = [];
    const note = (selector, list) => {
      const target = document.querySelector(selector);
      new MutationObserver(() => list.push(target.textContent))
        .observe(target, { characterData: true, childList: true, subtree: true });
    };
    note('#headline-sentence', said);
    note('#headline-clock', counted);
    note('.card .reasons', told);
  `);
  begin();
  await visitor.reads('Holding');
  await page.locator('#headline-clock', { hasText: /for 2\.\d s/ }).waitFor();
  const counted = (await page.evaluate('counted')) as string[];
  // Ten a second; a busy machine leaves some out.
  expect(new Set(counted).size).toBeGreaterThan(8);
  expect(await page.evaluate('new Set(told).size')).toBeGreaterThan(8);
  for (const text of counted) expect(text).toMatch(/^ for \d\.\d s$/);
  expect(await page.evaluate('said')).toEqual([sentence]);
  expect(await clock.getAttribute('aria-hidden')).toBe('true');
  expect(await page.locator('#headline').getAttribute('data-tone')).toBe('warn');
  expect(await reason.textContent()).toMatch(
    /^Holding for \d\.\d s: m0, the leader, does not answer\.$/,
  );
  expect(await visitor.card('m0').locator('.word').textContent()).toBe('lost');
  expect(await visitor.card('m1').locator('.reasons').isVisible()).toBe(false);
  expect(await page.title()).toBe('Holding · cp1 · etcd-lb');
  end();
  await visitor.reads('Healthy');
  expect(await clock.isVisible()).toBe(false);
  expect(await reason.count()).toBe(0);
  await page
    .locator('#events li', { hasText: /holding is over after \d\.\d s: m1 leads/ })
    .waitFor();
  // Whoever looks for what concerned m1 finds that it has succeeded.
  expect(await page.locator('#filter-member option').allTextContents()).toContain('m1');
  expect(visitor.complaints).toEqual([]);
});

const moved = { cause: 'planned', why: 'an operator moves the leader from m0 to m1' } as const;
const looks: readonly (Look & { readonly name: string; readonly told?: typeof moved })[] = [
  { name: 'light', colorScheme: 'light' },
  { name: 'dark', colorScheme: 'dark' },
  { name: 'planned-light', colorScheme: 'light', told: moved },
  { name: 'planned-dark', colorScheme: 'dark', told: moved },
  { name: 'narrow', colorScheme: 'light', width: 360, height: 740 },
];

test.each(looks)('looks as it should, $name', async ({ name, told, ...look }) => {
  begin(told);
  await using visitor = await Visitor.open(browser, url, look);
  await visitor.page.locator('#headline-clock', { hasText: /[1-9] s$/ }).waitFor();
  const wide = await visitor.page.evaluate('document.documentElement.scrollWidth');
  expect(wide).toBeLessThanOrEqual(look.width ?? 1280);
  await visitor.screenshot(`holding-${name}`, name === 'narrow');
  expect(await visitor.violations()).toEqual([]);
  expect(visitor.complaints).toEqual([]);
});

test('is not counted on when nothing is heard any more', async () => {
  await using proxy = await startPathProxy(url.slice(0, -1), '/ops');
  begin();
  await using visitor = await Visitor.open(browser, `${proxy.url}/`);
  await visitor.reads('Holding');
  proxy.cut();
  await visitor.reads('Connection lost');
  const { page } = visitor;
  expect(await page.locator('#headline-clock').isVisible()).toBe(false);
  expect(await page.locator('#headline-sentence').textContent()).toContain(`Holding. ${sentence}`);
  const told = () => visitor.card('m0').locator('.reasons li').textContent();
  const before = await told();
  expect(before).toMatch(/^Holding for \d\.\d s: /);
  await page.waitForTimeout(1_200);
  expect(await told()).toBe(before);
});
