/** `etcd-lb status`: the state of a running balancer and of its members. */
import { setTimeout as delay } from 'node:timers/promises';
import type { AdminClient } from '../../admin/client.ts';
import { whyUnserved } from '../../observe/concerns.ts';
import type { Status } from '../../observe/status.ts';
import { headlineOf } from '../../page/browser/cluster/headline.ts';
import { documentOf, type Format } from '../flags/output.ts';
import { type Sample, statusTable } from './status-table.ts';

/** Between the first two samples, which rates need, and between two prints of a watched table; ms. */
const firstInterval = 500;
const interval = 1_000;

/** A shell expands the words of a completion, and members may have any name. */
const isPlain = /^[\w.:[\]-]+$/;

export interface StatusOptions {
  readonly output: Format;
  readonly watch?: true;
  readonly exitCode?: true;
  /** Only the members' names, for completion. */
  readonly names?: true;
}

/**
 * Prints once, or with `watch` until Ctrl-C. Resolves with the exit code, which is 0 unless `exitCode` asks for
 * that of the status. Rejects with `AdminError`.
 */
export async function printStatus(
  client: AdminClient,
  { output, watch, names, exitCode }: StatusOptions,
): Promise<0 | 1 | 2> {
  let before = await take(client);
  if (names) {
    for (const { name } of before.status.members) if (isPlain.test(name)) console.log(name);
    return 0;
  }
  if (output === 'table') await delay(firstInterval);
  for (;;) {
    const sample = output === 'table' || watch ? await take(client) : before;
    const text =
      output === 'table'
        ? `${statusTable(sample, before, Date.now())}\n`
        : await documentOf(sample.status, output, watch);
    const isRefreshed = watch && output === 'table' && process.stdout.isTTY;
    process.stdout.write(`${isRefreshed ? clearScreen : ''}${text}`);
    if (!watch) return exitCode ? exitCodeOf(sample.status, new Date().toISOString()) : 0;
    before = sample;
    await delay(interval);
  }
}

/**
 * 0: all is well, or as somebody wants it. 1: clients are served, and less may go wrong than before. 2: clients
 * are not served, or nothing can be written. The rules are those of the page's headline.
 *
 * @param at when it was taken, ISO 8601.
 */
export function exitCodeOf(status: Status, at: string): 0 | 1 | 2 {
  // While it starts the page waits; a script asks whether clients are served.
  if (status.mode !== 'normal' || whyUnserved(status) !== undefined) return 2;
  const { tone } = headlineOf({ ...status, at });
  return ({ ok: 0, note: 0, warn: 1, bad: 2 } as const)[tone];
}

/** ECMA-48: cursor home, erase to the end. */
const clearScreen = '\u001b[H\u001b[J';

async function take(client: AdminClient): Promise<Sample> {
  return { status: await client.status(), at: performance.now() };
}
