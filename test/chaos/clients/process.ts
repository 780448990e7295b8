/**
 * The process of all clients of one plan. Arguments: the plan as JSON, and the file for the records.
 * Reads `progress` and `stop`, a line each, from stdin; says what `Telling` has on stdout, a line of
 * JSON each. Ends with 0 after `stop`, and with 1 when stdin ends before that.
 */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Everyone } from './everyone.ts';
import type { Progress } from './history.ts';
import type { ClientPlan } from './plan.ts';

export type Telling =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'progress' } & Progress)
  | { readonly kind: 'crash'; readonly error: string }
  /** With the processor time that this process took in all, ms. */
  | { readonly kind: 'done'; readonly processor: number };

const [plan = '', file = ''] = process.argv.slice(2);
const everyone = new Everyone(JSON.parse(plan) as ClientPlan);

// Nothing unexpected ends the clients; it is told, and is among the records.
for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(event, (error: unknown) => {
    everyone.crashed(error);
    tell({ kind: 'crash', error: error instanceof Error ? error.message : String(error) });
  });
}

const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => {
  if (line === 'progress') tell({ kind: 'progress', ...everyone.progress });
  if (line === 'stop') void stop();
});
orders.once('close', () => process.exit(1));

await everyone.start();
tell({ kind: 'ready' });

async function stop(): Promise<void> {
  const records = await everyone.stop();
  writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  const { user, system } = process.cpuUsage();
  const done: Telling = { kind: 'done', processor: Math.round((user + system) / 1_000) };
  process.stdout.write(`${JSON.stringify(done)}\n`, () => process.exit(0));
}

function tell(telling: Telling): void {
  process.stdout.write(`${JSON.stringify(telling)}\n`);
}
