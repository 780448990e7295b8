/**
 * `npm run chaos`: random faults from seeds, and nothing may be lost.
 *
 *   npm run chaos -- --schedules 20            seeds 1 to 20
 *   npm run chaos -- --seed 41 --for 10m       from 41 on, as many as begin within ten minutes
 *   npm run chaos -- --replay FILE             a schedule that was saved
 *   npm run chaos -- --defects                 is each defect that is put in on purpose found?
 *   npm run chaos -- --defect lost-byte        is this one?
 *
 * Ends with 1 when anything was found, or a defect was not. Needs root: it makes network namespaces.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Defect, defects } from './defects.ts';
import { lineOf, reportOf, save } from './report.ts';
import { folderOf, type Result, runSchedule } from './run.ts';
import { inWords, makeSchedule, readSchedule, type Schedule } from './schedule/schedule.ts';
import { type Found, seek, tableOf } from './seek.ts';
import { shrink } from './shrink.ts';

const root = join(import.meta.dirname, '../..');

/** What whoever typed the command can mend. It is told without a stack, and ends with 2. */
function refuse(why: string): never {
  console.error(`chaos: ${why}`);
  process.exit(2);
}

/** @returns the flags; does not return where they are none. */
function readFlags() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string', default: '1' },
        schedules: { type: 'string' },
        for: { type: 'string' },
        replay: { type: 'string' },
        jobs: { type: 'string', default: '2' },
        'no-shrink': { type: 'boolean', default: false },
        defects: { type: 'boolean', default: false },
        defect: { type: 'string' },
        out: { type: 'string', default: join(root, '.cache/chaos') },
      },
    }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const values = readFlags();

/** `90s`, `10m`, `2h` in ms. */
function duration(text: string): number {
  const [, amount, unit] = /^(\d+)(s|m|h)$/.exec(text) ?? [];
  const ms = { s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? ''];
  if (ms === undefined) refuse(`--for takes a time such as 90s, 10m or 2h, not ${text}.`);
  return Number(amount) * ms;
}

function count(name: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) refuse(`--${name} takes a number from 1 on, not ${text}.`);
  return Number(text);
}

async function savedSchedule(file: string): Promise<Schedule> {
  try {
    return readSchedule(await readFile(file, 'utf8'));
  } catch (error) {
    return refuse(`${file} is no schedule that was saved: ${(error as Error).message}`);
  }
}

/** Those to be run, one after the other; endless where the time decides. */
async function* schedules(): AsyncGenerator<Schedule> {
  if (values.replay !== undefined) {
    yield await savedSchedule(values.replay);
    return;
  }
  const seed = count('seed', values.seed);
  const time = values.for === undefined ? Number.POSITIVE_INFINITY : duration(values.for);
  const until = Date.now() + time;
  const most = values.schedules ?? (values.for === undefined ? '1' : undefined);
  const last = most === undefined ? Number.POSITIVE_INFINITY : seed + count('schedules', most) - 1;
  for (let next = seed; next <= last && Date.now() < until; next += 1) yield makeSchedule(next);
}

/** Has as many at a time as there are jobs. */
async function inJobs<T>(all: AsyncIterator<T>, act: (each: T) => Promise<void>): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let next = await all.next(); !next.done; next = await all.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: count('jobs', values.jobs) }, worker));
}

function run(schedule: Schedule, folder = folderOf(values.out, schedule)): Promise<Result> {
  return runSchedule(schedule, { folder, program: join(root, 'src/cli/main.ts') });
}

/** Runs one, tells what was found, and looks for the least of it that is found as well. */
async function passes(schedule: Schedule): Promise<boolean> {
  const result = await run(schedule);
  console.log(lineOf(result));
  if (result.findings.length === 0) return true;
  const file = await save(result);
  console.log(`\n${reportOf(result)}\nAgain: npm run chaos -- --replay ${file}\n`);
  if (values['no-shrink'] || schedule.steps.length === 1) return false;
  let attempts = 0;
  const least = await shrink(result, (smaller) => {
    attempts += 1;
    return run(smaller, `${result.folder}-smaller-${attempts}`);
  });
  if (least === result) return false;
  const words = inWords(least.schedule).join('\n');
  console.log(`It fails with less:\n${words}\nnpm run chaos -- --replay ${await save(least)}\n`);
  return false;
}

async function runAll(): Promise<boolean> {
  const failed: number[] = [];
  let passed = 0;
  await inJobs(schedules(), async (schedule) => {
    const isWell = await passes(schedule).catch((error: unknown) => {
      const words = inWords(schedule).join('\n');
      console.log(
        `The harness failed: ${error instanceof Error ? error.stack : error}\n${words}\n`,
      );
      return false;
    });
    if (isWell) passed += 1;
    else failed.push(schedule.seed);
  });
  const which = failed.length > 0 ? `: seeds ${failed.join(', ')}` : '';
  console.log(`${passed} schedules passed, ${failed.length} failed${which}.`);
  return failed.length === 0;
}

async function* chosenDefects(): AsyncGenerator<Defect> {
  const chosen = defects.filter(
    ({ name }) => values.defect === undefined || name === values.defect,
  );
  if (chosen.length === 0) {
    refuse(`--defect takes one of ${defects.map(({ name }) => name).join(', ')}.`);
  }
  yield* chosen;
}

async function seekAll(): Promise<boolean> {
  const all = new Map<Defect, Found | undefined>();
  await inJobs(chosenDefects(), async (defect) => {
    all.set(defect, undefined); // in its place in the table
    const found = await seek(defect, root, values.out);
    all.set(defect, found);
    const how = found ? `seed ${found.seed} (${found.checks.join(', ')}): ${found.first}` : 'none';
    console.log(`${defect.name}: found by ${how}`);
  });
  if (values.defect === undefined) {
    await writeFile(join(import.meta.dirname, 'DEFECTS.md'), tableOf(all));
  }
  return [...all.values()].every((found) => found !== undefined);
}

try {
  const isSeeking = values.defects || values.defect !== undefined;
  const isWell = isSeeking ? await seekAll() : await runAll();
  process.exitCode = isWell ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 2;
}
