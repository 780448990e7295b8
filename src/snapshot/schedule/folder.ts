/**
 * A folder of scheduled snapshots: `etcd-20261126T150405Z.db`, named by when each was begun.
 *
 * Owns the names, which is the newest, and which are removed. Other files are left alone.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const pattern = /^etcd-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.db$/;

/** @param at ms since the epoch. */
export function nameOf(at: number): string {
  const stamp = new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `etcd-${stamp}.db`;
}

/** When the snapshot of that name was begun, ms since the epoch; `undefined` for another file. */
export function timeOf(name: string): number | undefined {
  const [, ...parts] = pattern.exec(name) ?? [];
  if (parts.length === 0) return undefined;
  const [year = 0, month = 0, ...rest] = parts.map(Number);
  return Date.UTC(year, month - 1, ...rest);
}

/** When the newest snapshot was begun, ms since the epoch; `undefined` where there is none. */
export function newestOf(names: readonly string[]): number | undefined {
  const times = names.map(timeOf).filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** Those to remove, so that the newest `keep` stay. */
export function surplusOf(names: readonly string[], keep: number): string[] {
  return names
    .filter((name) => timeOf(name) !== undefined)
    .toSorted((a, b) => (timeOf(b) ?? 0) - (timeOf(a) ?? 0))
    .slice(keep);
}

/** Removes all but the newest. Rejects with the system's error. */
export async function prune(folder: string, keep: number): Promise<void> {
  for (const name of surplusOf(await readdir(folder), keep)) {
    await rm(join(folder, name), { force: true });
  }
}
