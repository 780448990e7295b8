/**
 * Somebody who looks at the status page in a real Chromium, and everything that must not happen meanwhile: an
 * error or warning on the console, a breach of the page's own policy, a request to anybody else.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findChromium } from '../machine/programs.ts';

const screenshots = join(import.meta.dirname, '../../.cache/screenshots');

/** As root, Chromium refuses to run in its sandbox; it sees nothing here but our own page. */
const args = ['--no-sandbox'];

export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: await findChromium(), args });
}

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
  readonly reducedMotion?: 'reduce' | 'no-preference';
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

export class Visitor implements AsyncDisposable {
  readonly page: Page;
  /** What must stay empty. */
  readonly complaints: string[] = [];
  /** Every address that was asked for. */
  readonly requests: string[] = [];

  /** Opens the page and waits until it shows its first status. */
  static async open(browser: Browser, url: string, look: Look = {}): Promise<Visitor> {
    const visitor = await Visitor.arrive(browser, url, look);
    await visitor.page.locator('html[data-connection=live] .card').first().waitFor();
    return visitor;
  }

  /** Opens the page, whatever it shows. */
  static async arrive(browser: Browser, url: string, look: Look = {}): Promise<Visitor> {
    const { width = 1280, height = 900, ...media } = look;
    const page = await browser.newPage({ viewport: { width, height }, ...media });
    const visitor = new Visitor(page);
    await page.goto(url);
    return visitor;
  }

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => this.complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('request', (request) => this.requests.push(request.url()));
  }

  /** Resolves when the headline is this word. */
  async reads(word: string): Promise<void> {
    await this.page.locator('#headline-word', { hasText: new RegExp(`^${word}$`) }).waitFor();
  }

  card(member: string) {
    return this.page.locator('.card', {
      has: this.page.getByRole('heading', { name: member, exact: true }),
    });
  }

  /** Written where people look at it, below .cache/. */
  async screenshot(name: string, fullPage = false): Promise<void> {
    await mkdir(screenshots, { recursive: true });
    await this.page.screenshot({ path: join(screenshots, `${name}.png`), fullPage });
  }

  /** What axe-core has to say of the page as it is now, one line a violation. */
  async violations(): Promise<string[]> {
    // Through the debugger, which no policy of a page applies to.
    await this.page.evaluate(axe.source);
    const { violations } = (await this.page.evaluate('axe.run()')) as { violations: Violation[] };
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
  }
}
