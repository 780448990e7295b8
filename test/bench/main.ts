/**
 * `npm run bench`: what etcd-lb costs beside others, all in one run.
 *
 * Every measure of a round is taken with all contestants in turn, in another order each round.
 * Prints as it goes, saves after each round, and ends with 1 when a bound was missed or a measure of
 * etcd-lb failed.
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import type { Contestant } from '../contestants/contestant.ts';
import { isMet } from '../faults/fault.ts';
import { ensureLoadTools } from '../machine/programs.ts';
import { cpuTimes, stolenBetween } from '../machine/steal.ts';
import { pickFrom } from '../support/pick.ts';
import { Backends } from './backend/backends.ts';
import { boundsOf } from './bounds.ts';
import { contestants } from './contestants.ts';
import { fullPace, type Measure, shortPace } from './measure.ts';
import { measures } from './measures.ts';
import { chart } from './report/chart.ts';
import { markdown } from './report/markdown.ts';
import { inDigits } from './report/numbers.ts';
import { boundInWords, label, table } from './report/table.ts';
import { Results } from './results.ts';
import { applies, rotated, runMeasure } from './run.ts';

const root = join(import.meta.dirname, '../..');

const program = new Command('npm run bench --')
  .description('What etcd-lb costs in CPU, latency and memory, beside others, as ratios.')
  .option('--rounds <n>', 'how often each (default: 7, short 3)', count)
  .option('--short', 'the main measures with direct, haproxy and etcd-lb, in under two minutes')
  .option('--contestants <names>', 'which, with commas', pickFrom(contestants))
  .option('--measures <names>', 'which, with commas', pickFrom(measures))
  .option('--out <folder>', 'where RESULTS.md, results.json and chart.svg go', '.cache/bench')
  .option('--save', 'write them into test/bench instead, to be committed')
  .parse();

const options = program.opts<{
  rounds?: number;
  short?: true;
  contestants?: readonly Contestant[];
  measures?: readonly Measure[];
  out: string;
  save?: true;
}>();
const short = options.short === true;
const rounds = options.rounds ?? (short ? 3 : 7);
const pace = short ? shortPace : fullPace;
const shortNames = ['direct', 'haproxy', 'etcd-lb'];
const chosen =
  options.contestants ?? contestants.filter(({ name }) => !short || shortNames.includes(name));
const asked =
  options.measures ?? measures.filter((measure) => !measure.onlyNamed && (!short || measure.short));
const out = options.save ? import.meta.dirname : options.out;

const results = new Results();
const backends = new Backends();
const atStart = cpuTimes();
/** What was started for the measure that is under way. */
let current = new AsyncDisposableStack();

let stopping = false;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    stopping = true;
    // In order, so that nginx takes its worker along; what is left dies with us.
    const ended = current.disposeAsync().then(() => backends[Symbol.asyncDispose]());
    await ended.catch(() => {});
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}

try {
  await prepare();
  for (let round = 0; round < rounds; round += 1) {
    for (const measure of asked) await everyContestant(measure, round);
    await save(round + 1);
  }
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await backends[Symbol.asyncDispose]();
}
report();

/** Whatever can be missing is missed here, not an hour later. */
async function prepare(): Promise<void> {
  await ensureLoadTools();
  await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd: root }).catch(
    (error: Error) => {
      throw new Error(`etcd-lb could not be built: ${error.message.trim().split('\n').at(-1)}`);
    },
  );
}

async function everyContestant(measure: Measure, round: number): Promise<void> {
  for (const contestant of rotated(chosen, round)) {
    if (!applies(measure, contestant, round)) continue;
    const base = { round, measure: measure.name, contestant: contestant.name };
    current = new AsyncDisposableStack();
    try {
      const before = cpuTimes();
      const figures = await runMeasure(measure, contestant, { pace, backends, parts: current });
      results.add({ ...base, figures, stolen: stolenBetween(before, cpuTimes()) });
      const said = measure.figures.flatMap((figure) => {
        const value = figures[figure.key];
        return value === undefined ? [] : [`${label(figure)} ${inDigits(value)}`];
      });
      console.log(`${round + 1} ${contestant.name.padEnd(14)} ${said.join('; ')}`);
    } catch (error) {
      // It failed because it was stopped: nothing new is started until we are gone.
      if (stopping) await new Promise(() => {});
      const message = (error as Error).message.split('\n')[0] ?? '';
      results.add({ ...base, figures: {}, error: message });
      console.log(`${round + 1} ${contestant.name.padEnd(14)} ${measure.name} failed: ${message}`);
    }
  }
}

async function save(done: number): Promise<void> {
  await mkdir(out, { recursive: true });
  const conditions = [
    `Measured on ${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}, all processes on one machine;`,
    `${done} of ${rounds} rounds, ${short ? 'short' : 'full'} form, ${new Date().toISOString().slice(0, 10)}.`,
    `The host of this virtual machine gave ${inDigits(stolenBetween(atStart, cpuTimes()))} % of its CPU time to others meanwhile.`,
    'CPU is user and system time of the contestant’s processes, memory is resident; 1 MB is 10⁶ bytes, 1 KB is 1,024.',
  ].join('\n');
  const text = markdown(results, asked, boundsOf(results), conditions);
  await writeFile(join(out, 'RESULTS.md'), text);
  await writeFile(join(out, 'chart.svg'), chart(results, asked));
  const { samples } = results;
  await writeFile(
    join(out, 'results.json'),
    `${JSON.stringify({ conditions, rounds: done, samples }, null, 2)}\n`,
  );
}

function report(): void {
  console.log(`\n${table(results, asked)}\n`);
  const bounds = boundsOf(results);
  for (const bound of bounds) console.log(boundInWords(bound));
  const missed = bounds.filter((bound) => !isMet(bound));
  // What others cannot do (the etcd gateway runs out of descriptors) is told, and no fault of ours.
  const broken = results.broken.filter(({ contestant }) => contestant === 'etcd-lb');
  if (missed.length + broken.length > 0) process.exitCode = 1;
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}
