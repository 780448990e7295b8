/**
 * `etcd-lb init`: writes a configuration for this node, and what starts etcd-lb with it; then checks it.
 * Exit codes: 0 written, 1 written and the check found an error, 2 nothing was written.
 */
import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isSea } from 'node:sea';
import type { Command } from 'commander';
import { exposedSecrets } from '../certificates/certificates.ts';
import { type Flags, loadSettings } from '../config/load.ts';
import { ConfigError } from '../lib/setting-error.ts';
import { safeText } from '../lib/text/safe-text.ts';

/** For a pipe, which has no width; characters. */
const usualWidth = 100;

interface Given {
  readonly root: string;
  readonly endpoints?: string[];
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly as?: string[];
  readonly image?: string;
  readonly dryRun?: true;
}

const about = `
Looks at what kubeadm wrote (/etc/kubernetes: manifests, pki), or takes the
members of --endpoints, and asks those found once for the list of all. Then
writes /etc/etcd-lb/etcd-lb.yaml with the reason for each setting, runs check on
it, and says what is left to do. Overwrites nothing; starts nothing;
kube-apiserver stays as it is.

--as config       the configuration alone; the default elsewhere
--as static-pod   and a manifest to copy to the kubelet; the default on a node
                  of kubeadm
--as systemd      and a unit, or drop-ins for the unit of a package

Exit codes:
  0  written
  1  written, and the check found an error
  2  nothing was written

Examples:
  etcd-lb init --dry-run
  etcd-lb init --image registry.example.com/etcd-lb:0.1.0
  etcd-lb init --as systemd --endpoints cp1=https://10.0.0.1:2379 \\
    --cacert ca.crt --cert lb.crt --key lb.key`;

export function addInitCommand(program: Command, version: string): void {
  program
    .command('init')
    .summary('Write a configuration for this node, and what starts it.')
    .description('Write a configuration for this node, and a static pod or a unit to start it.')
    .option('--dry-run', 'Print what would be written, and write nothing.')
    .option('--as <FORM...>', 'What to write: config, static-pod or systemd.')
    .option('--endpoints <URLS...>', 'Members to ask, where kubeadm does not tell them.')
    .option('--cacert <FILE>', 'Authorities trusted for members.')
    .option('--cert <FILE>', 'Client certificate for members.')
    .option('--key <FILE>', 'Private key of --cert.')
    .option('--image <IMAGE>', 'The image that the static pod runs.')
    .option('--root <FOLDER>', "Where the node's files are, such as that of an image.", '/')
    .addHelpText('after', about)
    .action((given: Given) => init(given, version));
}

/** Throws `ConfigError` when nothing was written. */
async function init(given: Given, version: string): Promise<void> {
  const { root, endpoints = [], as = [], image, dryRun = false } = given;
  const { prepare } = await import('../init/init.ts');
  const { configFile } = await import('../init/plan.ts');
  const { writeAll } = await import('../init/files/write.ts');
  const { said, files, steps, certificates } = await prepare({
    ...{ root: resolve(root), endpoints, as, version, isDryRun: dryRun, program: thisProgram() },
    ...(given.cacert !== undefined && { cacert: resolve(given.cacert) }),
    ...(given.cert !== undefined && { cert: resolve(given.cert) }),
    ...(given.key !== undefined && { key: resolve(given.key) }),
    ...(image !== undefined && { image }),
  });
  print(said.map(safeText)); // members have named themselves
  const checking = `etcd-lb check --config ${configFile}`;
  const place = (path: string): string => join(resolve(root), path);
  if (dryRun) {
    for (const { path, text, mode } of files)
      print([`\n--- ${place(path)} (mode 0${mode.toString(8)})`, text]);
    print([`Nothing was written. When it is: ${checking}`, '']);
  } else {
    writeAll(resolve(root), files);
    print(files.map(({ path }) => `Wrote ${place(path)}`));
    process.exitCode = await check({ config: place(configFile), ...certificates });
  }
  const mend = { what: 'Fix what the check calls an error.', command: checking };
  const all = process.exitCode === 1 ? [mend, ...steps] : steps;
  print(['Next:', ...all.map(({ what, command }, index) => numbered(index + 1, what, command))]);
}

/** Prints what is wrong with what was written, as `etcd-lb check` does, and returns the exit code. */
async function check(flags: Flags): Promise<0 | 1> {
  const { gather } = await import('../diagnose/probes/gather.ts');
  const { examine } = await import('../diagnose/examine.ts');
  const { tableOf } = await import('../diagnose/report.ts');
  try {
    // Not the environment: the files are what is checked.
    const { settings } = loadSettings({ flags, env: {} });
    const observations = await gather(settings);
    const findings = examine(observations, settings, exposedSecrets(settings), Date.now());
    const width = process.stdout.columns ?? usualWidth;
    print(['', 'etcd-lb check:', tableOf(findings, observations.length, width)]);
    return findings.some(({ severity }) => severity === 'error') ? 1 : 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    print(['', 'etcd-lb check:', error.message, '']);
    return 1;
  }
}

function numbered(number: number, what: string, command: string | undefined): string {
  const text = `${String(number).padStart(3)}. ${what}`;
  return command === undefined ? text : `${text}\n       ${command}`;
}

function print(lines: readonly string[]): void {
  for (const line of lines) console.log(line);
}

/** Where this program is, to be installed elsewhere. */
function thisProgram(): string {
  // An executable finds there the word by which it was called, which may not be a path.
  const path = realpathSync(isSea() ? process.execPath : (process.argv[1] ?? ''));
  return path.endsWith('.ts') ? 'dist/etcd-lb.js' : path;
}
