/** Full load from a process of its own, seen from the harness. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../../machine/child.ts';
import type { Where } from './client.ts';

const program = join(import.meta.dirname, 'flood-process.ts');

/** Floods for so many ms; resolves with the calls that were answered, a second. */
export async function flood({ addresses, tls }: Where, forMs: number): Promise<number> {
  let answered = 0;
  const args = [addresses[0] ?? '', String(forMs), ...(tls ? [JSON.stringify(tls)] : [])];
  await using child = new Child('flood', [process.execPath, program, ...args], {
    onLine: (line) => {
      answered = Number(line);
    },
  });
  await child.exited;
  // Its last line may come after its end.
  await delay(50);
  return answered / (forMs / 1_000);
}
