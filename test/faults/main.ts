/**
 * `npm run faults`: every fault against every contestant in one run, as a table.
 *
 * Prints as it goes, and writes Markdown and JSON. With --save what was saved before stays unless it is
 * measured anew, so that long runs can be done in parts. Ends with 1 when etcd-lb missed a bound.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { contestants } from '../contestants/contestants.ts';
import { listOf, pickFrom } from '../support/pick.ts';
import { abridgedPace, type Fault, fullPace, inWords, isMet } from './fault.ts';
import { faults } from './faults.ts';
import { fromJson, merged, toJson } from './results.ts';
import { leastDirectFailures, type Measured, runOnce } from './run.ts';
import {
  type EtcdRelease,
  etcdReleases,
  type Setting,
  type Size,
  settingsOf,
  sizes,
  type TlsMode,
  tlsModes,
  usualSetting,
} from './setting.ts';
import { boundsOf, head, line, markdown, type Result } from './table.ts';

const program = new Command('npm run faults --')
  .description('What clients of etcd see when members fail, with and without a balancer.')
  .option('--contestants <names>', 'which, with commas', pickFrom(contestants), contestants)
  .option('--faults <names>', 'which, with commas', pickFrom(faults), faults)
  .option('--etcd <releases>', 'which, with commas', listOf(etcdReleases), [usualSetting.etcd])
  .option('--tls <modes>', 'plain, passthrough or both', listOf(tlsModes), [usualSetting.tls])
  .option('--members <sizes>', '3, 5 or both, for faults that allow it', listOf(sizes))
  .option('--rounds <n>', 'how often each', (text) => Math.max(1, Number.parseInt(text, 10)), 1)
  .option('--abridged', 'as short as in npm test')
  .option('--out <folder>', 'where RESULTS.md and results.json go', '.cache/faults')
  .option('--save', 'write them into test/faults instead, to be committed')
  .parse();

const options = program.opts<{
  contestants: typeof contestants;
  faults: typeof faults;
  etcd: EtcdRelease[];
  tls: TlsMode[];
  members?: Size[];
  rounds: number;
  abridged?: true;
  out: string;
  save?: true;
}>();
if (options.save && options.abridged) program.error('error: what is abridged is not saved');
const pace = options.abridged ? abridgedPace : fullPace;
const out = options.save ? import.meta.dirname : options.out;

// The exit handlers of clusters and networks leave nothing behind; children die with us.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(signal === 'SIGINT' ? 130 : 143));
}

const today = new Date().toISOString().slice(0, 10);
const names = faults.map(({ name }) => name);
const older = options.save ? fromJson(await readFile(join(out, 'results.json'), 'utf8')) : [];
const results: Result[] = [];
console.log(head);
for (let round = 0; round < options.rounds; round += 1) {
  for (const fault of options.faults) {
    for (const setting of settingsOf(fault, options)) {
      await everyContestant(fault, setting, round);
    }
  }
}
const missed = results.flatMap(({ bounds }) => bounds).filter((bound) => !isMet(bound));
const broken = results.filter(({ error }) => error !== undefined);
process.exit(missed.length + broken.length > 0 ? 1 : 0);

async function everyContestant(fault: Fault, setting: Setting, round: number): Promise<void> {
  let directFailures = leastDirectFailures(setting);
  for (const contestant of options.contestants) {
    if (fault.onlyEtcdLb && contestant.name !== 'etcd-lb') continue;
    if (fault.needsProcess && contestant.name === 'direct') continue;
    const measured = await runOnce(fault, contestant, setting, {
      pace,
      onProgress: console.log,
    }).catch((error: Error): Measured & { error: string } => ({
      fault: fault.name,
      contestant: contestant.name,
      ...setting,
      load: undefined,
      figures: {},
      did: [],
      said: [],
      error: error.message.split('\n')[0] ?? '',
    }));
    const isBroken = 'error' in measured;
    if (contestant.name === 'direct' && measured.load && !options.abridged)
      directFailures = measured.load.failed;
    const { load, figures } = measured;
    const result = {
      ...measured,
      // Every failed call of etcd-lb must be explained; of the others the number is enough.
      load: load && (contestant.name === 'etcd-lb' ? load : { ...load, failedCalls: [] }),
      round,
      on: today,
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
  const all = merged(older, results, names);
  const days = [...new Set(all.map(({ on }) => on))].sort();
  const conditions = [
    `Measured on ${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}, all processes on one machine;`,
    `${options.abridged ? 'abridged' : 'full'} form, ${days.join(', ')}.`,
    'Each run: 12 etcd3 clients with 10 requests a second each (open loop, 5 s patience, no retries),',
    'watches and leases of etcd3 and etcdctl, two one-shot `etcdctl put` a second. `passthrough`: mutual',
    'TLS between clients and members. `silence of all`: longest time without a success of all clients',
    'together. `failedElsewhere`: failed requests of as many clients that were on the other members all',
    'the time; of etcd-lb those of a second one that had drained the leader.',
  ].join('\n');
  await writeFile(join(out, 'RESULTS.md'), markdown(all, conditions));
  await writeFile(join(out, 'results.json'), toJson(all));
}
