/** What a run tells: a line where nothing was found, else what was, and what happened around it. */
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from './check/finding.ts';
import type { Result } from './run.ts';
import { inWords, stepInWords } from './schedule/schedule.ts';

/** Around a finding, ms. */
const around = 3_000;
/** Lines of the balancer's log, and findings, that are printed at most. */
const mostLines = 60;
const mostFindings = 12;

export function lineOf({ schedule, findings, counts, took }: Result): string {
  const { seed, steps } = schedule;
  const how = findings.length === 0 ? 'ok    ' : 'FAILED';
  const { calls, excused, crossed, events, latest } = counts;
  const last = latest && `, the last ${Math.round(latest.after)} ms after ${latest.excuse}`;
  return [
    `seed ${String(seed).padEnd(4)} ${how} ${took.toFixed(0).padStart(3)} s`,
    `${calls} calls, ${excused} failed with an excuse${last ?? ''}${crossed > 0 ? `, ${crossed} crossed` : ''}, ${events} events`,
    steps.map(stepInWords).join('; '),
  ].join('  ');
}

/** Everything that a person needs to begin with. */
export function reportOf({ schedule, findings, evidence }: Result): string {
  const { startedAt, mendedAt, notes, hits, log, leaderless, records } = evidence;
  const at = (time: number) => `${((time - startedAt) / 1_000).toFixed(2).padStart(7)} s`;
  const sorted = findings.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
  const first = sorted.find((finding) => finding.at !== undefined)?.at ?? mendedAt;
  const isNear = ({ at: time, level }: { readonly at: number; readonly level: string }) =>
    Math.abs(time - first) <= (level === 'debug' ? around / 10 : around);
  const told = (finding: Finding) =>
    `  ${finding.at === undefined ? ' '.repeat(9) : at(finding.at)}  ${finding.check}: ${finding.what}`;
  const failed = records.filter((record) => record.kind === 'call' && record.error !== undefined);
  return [
    ...inWords(schedule),
    '',
    `Found (${findings.length}):`,
    ...sorted.slice(0, mostFindings).map(told),
    ...(sorted.length > mostFindings ? [`  … and ${sorted.length - mostFindings} more`] : []),
    '',
    'What was done:',
    ...notes.map((note) => `  ${at(note.at)}  ${note.what}`),
    `  ${at(mendedAt)}  everything was taken back`,
    '',
    'What was hit:',
    ...hits.map(
      ({ what, from, until, reach }) =>
        `  ${at(from)} to ${at(until)}  ${what} (${typeof reach === 'string' ? reach : reach.member})`,
    ),
    ...leaderless.map(({ from, until }) => `  ${at(from)} to ${at(until)}  nobody led`),
    '',
    `What the balancer said around ${at(first).trim()}:`,
    ...log
      .filter(isNear)
      .slice(0, mostLines)
      .map(({ at: time, process, level, msg, ...rest }) => {
        const { session, member, reason, client } = rest as Record<string, unknown>;
        const about = [session, client, member, reason].filter((each) => each !== undefined);
        return `  ${at(time)}  ${process} ${level}  ${msg}${about.length > 0 ? ` (${about.join(' ')})` : ''}`;
      }),
    '',
    'Calls that failed:',
    ...failed.slice(0, mostLines).map((record) => {
      if (record.kind !== 'call') return '';
      const { client, op, key, begun, ended, error } = record;
      return `  ${at(begun)} to ${at(ended)}  ${client} ${op} ${key}: ${error}`;
    }),
    '',
  ].join('\n');
}

/** Writes all of it into the folder of the run, beside its logs. */
export async function save(result: Result): Promise<string> {
  const { schedule, evidence, folder } = result;
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'schedule.json');
  await writeFile(file, `${JSON.stringify(schedule, undefined, 2)}\n`);
  await writeFile(join(folder, 'report.txt'), reportOf(result));
  const lines = evidence.records.map((record) => `${JSON.stringify(record)}\n`);
  await writeFile(join(folder, 'records.jsonl'), lines.join(''));
  await writeFile(join(folder, 'history.json'), JSON.stringify(evidence.events));
  await writeFile(join(folder, 'metrics.txt'), evidence.metrics);
  return file;
}

/** Logs of members, which go with their cluster. */
export async function keepLogs(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    if (name.endsWith('.log')) await copyFile(join(from, name), join(to, name));
  }
}
