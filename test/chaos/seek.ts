/** Is each defect that is put in on purpose found, and by which check? */
import { join } from 'node:path';
import { type Defect, programWith } from './defects.ts';
import { save } from './report.ts';
import { folderOf, type Result, runSchedule } from './run.ts';
import { makeSchedule } from './schedule/schedule.ts';

/** Each must be found within so many schedules. */
const mostSchedules = 30;

export interface Found {
  readonly seed: number;
  readonly checks: readonly string[];
  readonly first: string;
}

/**
 * Runs schedules with a defect from seed 1 on until one finds it.
 *
 * @param root of the project.
 * @param out the copy of the sources and the logs go into a folder there.
 * @returns undefined where none of thirty did.
 */
export async function seek(defect: Defect, root: string, out: string): Promise<Found | undefined> {
  const folder = join(out, `defect-${defect.name}`);
  const program = await programWith(defect, root, folder);
  for (let seed = 1; seed <= mostSchedules; seed += 1) {
    const found = await runWith(seed, program, folder);
    if (found) return found;
  }
  return undefined;
}

async function runWith(seed: number, program: string, folder: string): Promise<Found | undefined> {
  const schedule = makeSchedule(seed);
  const own = folderOf(folder, schedule);
  let result: Result;
  try {
    result = await runSchedule(schedule, { folder: own, program });
  } catch (error) {
    // Nobody was served at all, or the balancer is gone.
    const first = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { seed, checks: ['served at all'], first };
  }
  const [first] = result.findings;
  if (first === undefined) return undefined;
  await save(result);
  const checks = [...new Set(result.findings.map(({ check }) => check))];
  return { seed, checks, first: first.what };
}

/** The table of what was found, as it is kept in DEFECTS.md. */
export function tableOf(found: ReadonlyMap<Defect, Found | undefined>): string {
  const rows = [...found].map(([{ name, what }, each]) => {
    const how = each ? `${each.seed} | ${each.checks.join(', ')}` : `none of ${mostSchedules} |`;
    return `| ${name} | ${what} | ${how} |`;
  });
  return `# Defects put in on purpose

Written by \`npm run chaos -- --defects\`. Each defect is put into a copy of the sources, and schedules are run
with it from seed 1 on until one finds it.

| defect | what is wrong | found by seed | by which checks |
|---|---|---|---|
${rows.join('\n')}
`;
}
