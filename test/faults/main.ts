/**
 * `npm run faults`: every fault against every contestant in one run, as a table.
 *
 * Prints as it goes, and writes Markdown and JSON. Ends with 1 when etcd-lb missed a bound.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { contestants } from '../contestants/contestants.ts';
import { pickFrom } from '../support/pick.ts';
import { abridgedPace, type Fault, fullPace, inWords, isMet } from './fault.ts';
import { faults } from './faults.ts';
import { leastDirectFailures, type Measured, runOnce } from './run.ts';
import { boundsOf, head, line, markdown, type Result } from './table.ts';

const program = new Command('npm run faults --')
  .description('What clients of etcd see when members fail, with and without a balancer.')
  .option('--contestants <names>', 'which, with commas', pickFrom(contestants), contestants)
  .option('--faults <names>', 'which, with commas', pickFrom(faults), faults)
  .option('--rounds <n>', 'how often each', (text) => Math.max(1, Number.parseInt(text, 10)), 1)
  .option('--abridged', 'as short as in npm test')
  .option('--out <folder>', 'where RESULTS.md and results.json go', '.cache/faults')
  .option('--save', 'write them into test/faults instead, to be committed')
  .parse();

const options = program.opts<{
  contestants: typeof contestants;
  faults: typeof faults;
  rounds: number;
  abridged?: true;
  out: string;
  save?: true;
}>();
const pace = options.abridged ? abridgedPace : fullPace;
const out = options.save ? import.meta.dirname : options.out;

// The exit handlers of clusters and networks leave nothing behind; children die with us.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(signal === 'SIGINT' ? 130 : 143));
}

const results: Result[] = [];
console.log(head);
for (let round = 0; round < options.rounds; round += 1) {
  for (const fault of options.faults) await everyContestant(fault, round);
}
const missed = results.flatMap(({ bounds }) => bounds).filter((bound) => !isMet(bound));
const broken = results.filter(({ error }) => error !== undefined);
process.exit(missed.length + broken.length > 0 ? 1 : 0);

async function everyContestant(fault: Fault, round: number): Promise<void> {
  let directFailures = leastDirectFailures(fault);
  for (const contestant of options.contestants) {
    if (fault.onlyEtcdLb && contestant.name !== 'etcd-lb') continue;
    if (fault.needsProcess && contestant.name === 'direct') continue;
    const measured = await runOnce(fault, contestant, { pace, onProgress: console.log }).catch(
      (error: Error): Measured & { error: string } => ({
        fault: fault.name,
        contestant: contestant.name,
        load: undefined,
        figures: {},
        said: [],
        error: error.message.split('\n')[0] ?? '',
      }),
    );
    const isBroken = 'error' in measured;
    if (contestant.name === 'direct' && measured.load && !options.abridged)
      directFailures = measured.load.failed;
    const { load, figures } = measured;
    const result = {
      ...measured,
      round,
      bounds:
        contestant.name === 'etcd-lb' && !isBroken
          ? boundsOf(fault, { load, figures, directFailures })
          : [],
    };
    results.push(result);
    console.log(line(result));
    for (const bound of result.bounds.filter((each) => !isMet(each))) {
      console.log(`    missed: ${inWords(bound)}`);
    }
    await save();
  }
}

async function save(): Promise<void> {
  await mkdir(out, { recursive: true });
  const conditions = [
    `Measured on ${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}, all processes on one machine;`,
    `${options.abridged ? 'abridged' : 'full'} form, ${new Date().toISOString().slice(0, 10)}.`,
    'Each run: 12 etcd3 clients with 10 requests a second each (open loop, 5 s patience, no retries),',
    'watches and leases of etcd3 and etcdctl, two one-shot `etcdctl put` a second.',
  ].join('\n');
  await writeFile(join(out, 'RESULTS.md'), markdown(results, conditions));
  await writeFile(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
}
