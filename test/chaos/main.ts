/**
 * `npm run chaos`: random faults from seeds, and nothing may be lost.
 *
 *   npm run chaos -- --schedules 20            seeds 1 to 20
 *   npm run chaos -- --seed 41 --for 10m       from 41 on, as many as begin within ten minutes
 *   npm run chaos -- --replay FILE             a schedule that was saved
 *   npm run chaos -- --defects                 is each defect that is put in on purpose found?
 *
 * Ends with 1 when anything was found. Needs root: it makes network namespaces.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lineOf, reportOf, save, scheduleLine } from './report.ts';
import { folderOf, type Result, runSchedule } from './run.ts';
import { makeSchedule, readSchedule, type Schedule } from './schedule/schedule.ts';
import { shrink } from './shrink.ts';

const root = join(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    schedules: { type: 'string' },
    for: { type: 'string' },
    replay: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    'no-shrink': { type: 'boolean', default: false },
    out: { type: 'string', default: join(root, '.cache/chaos') },
  },
});

/** `90s`, `10m`, `2h` in ms. */
function duration(text: string): number {
  const [, amount, unit] = /^(\d+)(s|m|h)$/.exec(text) ?? [];
  const ms = { s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? ''];
  if (ms === undefined) throw new Error(`--for takes a time such as 90s, 10m or 2h, not ${text}.`);
  return Number(amount) * ms;
}

function count(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} takes a number, not ${text}.`);
  return Number(text);
}

/** Those to be run, one after the other; endless where the time decides. */
async function* schedules(): AsyncGenerator<Schedule> {
  if (values.replay !== undefined) {
    yield readSchedule(await readFile(values.replay, 'utf8'));
    return;
  }
  const first = count('seed', values.seed);
  const until =
    values.for === undefined ? Number.POSITIVE_INFINITY : Date.now() + duration(values.for);
  const most = values.schedules ?? (values.for === undefined ? '1' : undefined);
  const last = most === undefined ? Number.POSITIVE_INFINITY : first + count('schedules', most) - 1;
  for (let seed = first; seed <= last && Date.now() < until; seed += 1) yield makeSchedule(seed);
}

function run(schedule: Schedule): Promise<Result> {
  const folder = folderOf(values.out, schedule);
  return runSchedule(schedule, { folder, program: join(root, 'src/cli/main.ts') });
}

async function one(schedule: Schedule): Promise<boolean> {
  const result = await run(schedule);
  console.log(lineOf(result));
  if (result.findings.length === 0) return true;
  const file = await save(result, folderOf(values.out, schedule));
  console.log(`\n${reportOf(result)}`);
  console.log(`Again: npm run chaos -- --replay ${file}\n`);
  if (!values['no-shrink'] && schedule.steps.length > 1) {
    const small = await shrink(result, run);
    if (small !== result) console.log(`It fails with less:\n${scheduleLine(small.schedule)}\n`);
    await save(small, folderOf(values.out, schedule));
  }
  return false;
}

try {
  const all = schedules();
  const failed: number[] = [];
  let passed = 0;
  const worker = async (): Promise<void> => {
    for (let next = await all.next(); !next.done; next = await all.next()) {
      if (await one(next.value)) passed += 1;
      else failed.push(next.value.seed);
    }
  };
  const jobs = values.replay === undefined ? count('jobs', values.jobs) : 1;
  await Promise.all(Array.from({ length: jobs }, worker));
  console.log(
    `${passed} schedules passed, ${failed.length} failed${failed.length > 0 ? `: seeds ${failed.join(', ')}` : ''}.`,
  );
  process.exitCode = failed.length > 0 ? 1 : 0;
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 2;
}
