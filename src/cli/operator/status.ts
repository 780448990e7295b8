/** `etcd-lb status`: the state of a running balancer and of its members. */
import { setTimeout as delay } from 'node:timers/promises';
import type { AdminClient } from '../../admin/client.ts';
import { type Sample, statusTable } from './status-table.ts';

/** Between the first two samples, which rates need, and between two prints of a watched table; ms. */
const firstInterval = 500;
const interval = 1_000;

export interface StatusOptions {
  readonly json?: true;
  readonly watch?: true;
  /** Only the members' names, for completion. */
  readonly names?: true;
}

/** Prints once, or with `watch` until Ctrl-C. Rejects with `AdminError`. */
export async function printStatus(
  client: AdminClient,
  { json, watch, names }: StatusOptions,
): Promise<void> {
  let before = await take(client);
  if (names) {
    for (const { name } of before.status.members) console.log(name);
    return;
  }
  if (!json) await delay(firstInterval);
  for (;;) {
    const sample = json && !watch ? before : await take(client);
    const text = json
      ? JSON.stringify(sample.status, null, watch ? 0 : 2)
      : statusTable(sample, before, Date.now());
    const isRefreshed = watch && !json && process.stdout.isTTY;
    process.stdout.write(`${isRefreshed ? clearScreen : ''}${text}\n`);
    if (!watch) return;
    before = sample;
    await delay(interval);
  }
}

/** ECMA-48: cursor home, erase to the end. */
const clearScreen = '\u001b[H\u001b[J';

async function take(client: AdminClient): Promise<Sample> {
  return { status: await client.status(), at: performance.now() };
}
