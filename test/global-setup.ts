/**
 * Before all tests: has the etcd binaries fetched once, where people see the progress. After them:
 * fails when a test left a process behind.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { findEtcd } from '../src/demo/etcd-binary.ts';

/** Inherited by every process that a test starts, whoever its parent is later. */
const mark = `ETCD_TEST_RUN=${randomUUID()}`;

export async function setup(): Promise<void> {
  for (const release of ['stable', 'next'] as const) {
    await findEtcd({ release, onProgress: (line) => console.log(line) });
  }
  const [name = '', value] = mark.split('=');
  process.env[name] = value;
}

export function teardown(): void {
  const left = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isMarked(entry))
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`)
    .filter((line) => !/vitest/.test(line)); // its workers may still be on their way out
  if (left.length > 0) throw new Error(`left behind by a test:\n${left.join('\n')}`);
}

function isMarked(pid: string): boolean {
  return Number(pid) !== process.pid && read(`/proc/${pid}/environ`).split('\0').includes(mark);
}

/** Empty when the process is gone by now. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
