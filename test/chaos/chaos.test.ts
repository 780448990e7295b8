/**
 * The short form of `npm run chaos`: five schedules that have been hard, and one that nobody has seen. Runs by
 * itself, after the other tests: calls are judged by when they failed.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { reportOf, save } from './report.ts';
import { folderOf, runSchedule } from './run.ts';
import { makeSchedule, type Schedule } from './schedule/schedule.ts';

const root = join(import.meta.dirname, '../..');
const out = join(root, '.cache/chaos');
const fresh = Math.floor(Math.random() * 1_000_000) + 1_000;
const seeds = [10, 14, 36, 48, 54, fresh];

test.concurrent.each(seeds.map((seed) => [seed === fresh ? `${seed}, which is new` : seed, seed]))(
  'nothing is lost under seed %s',
  async (_, seed) => {
    const schedule: Schedule = makeSchedule(Number(seed));
    const folder = folderOf(out, schedule);
    const result = await runSchedule(schedule, { folder, program: join(root, 'src/cli/main.ts') });
    if (result.findings.length > 0) await save(result);
    expect(result.findings, reportOf(result)).toEqual([]);
  },
  120_000,
);
