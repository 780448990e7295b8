/**
 * The command line: which commands there are, in the groups of the help. They parse and print; the work is done
 * elsewhere, and loaded when a command is used.
 */
import { Command } from 'commander';
import { envName, options } from '../config/options.ts';
import { ConfigError } from '../lib/setting-error.ts';
import { helpStyle } from './flags/help.ts';
import { type Format, withOutput } from './flags/output.ts';
import {
  isEssential,
  isReadByCheck,
  settingsOf,
  withAll,
  withSettings,
} from './flags/setting-flags.ts';
import { addInitCommand } from './init.ts';
import { addOperatorCommands } from './operator/commands.ts';
import { addSnapshotCommand } from './snapshot/command.ts';
import { printVersion, version } from './version.ts';

const essential = `These ten of ${options.length} settings matter most; --help --all shows all.`;
const readByCheck = `These are the settings that check reads. It takes all ${options.length}, so that the flags and
the file of run serve both; --help --all shows them.`;

/** A new one each time: commander keeps in it what it has parsed. */
export function createProgram(): Command {
  const program = new Command('etcd-lb')
    .description('A load balancer for etcd: one healthy address in front of a cluster.')
    .version(version, '-V, --version', 'Print the version.')
    .helpOption('-h, --help', 'Show this help.')
    .addHelpText('after', '\nBegin with etcd-lb check. etcd-lb COMMAND --help tells more.')
    .configureHelp(helpStyle)
    .exitOverride()
    .configureOutput({ outputError: () => {} }); // reported in main.ts, as every other error is
  program.commandsGroup('Set up and run:');
  addRun(program);
  addCheck(program);
  addInitCommand(program, version);
  addConfig(program);
  addSnapshotCommand(program);
  program.commandsGroup('Operate a running balancer:');
  addOperatorCommands(program);
  program.commandsGroup('Other:');
  addHealthcheck(program);
  addVersion(program);
  addHelp(program);
  return program;
}

function addRun(program: Command): void {
  withAll(withSettings(program.command('run'), isEssential))
    .description('Run the balancer.')
    .addHelpText('after', ({ command }) => aboutSettings(command, essential))
    .action(async (_, command: Command) => {
      const { run } = await import('./run.ts');
      await run(flagsOf(command), version);
    });
}

function addCheck(program: Command): void {
  withAll(withOutput(withSettings(program.command('check'), isReadByCheck)))
    .summary('Look for what is wrong, and change nothing.')
    .description('Look for what is wrong with the cluster and the settings; nothing is changed.')
    .addHelpText(
      'after',
      ({ command }) => `
Asks every member once: health, quorum, leader, alarms, versions, database, disk
and network figures, certificates, clocks. Each finding says what was seen, why
it matters and how to fix it, the worst first.

Exit codes:
  0  nothing worse than a note
  1  a warning
  2  an error: something in the cluster does not work now
  3  nothing was found out: a setting is wrong, or a file cannot be used
${aboutSettings(command, readByCheck)}`,
    )
    .action(async ({ output }: { output: Format }, command: Command) => {
      const { check } = await import('./check.ts');
      await check(flagsOf(command), output);
    });
}

function addConfig(program: Command): void {
  withAll(withOutput(withSettings(program.command('config'), isEssential), 'yaml'))
    .summary('Print the settings in use, and where each came from.')
    .description('Print the effective settings and where each value came from.')
    .addHelpText('after', ({ command }) => aboutSettings(command, essential))
    .action(async ({ output }: { output: Format }, command: Command) => {
      const { printConfig } = await import('./config.ts');
      await printConfig(flagsOf(command), output);
    });
}

function addHealthcheck(program: Command): void {
  program
    .command('healthcheck')
    .summary('Is the etcd-lb run of this container alive?')
    .description(
      'Check whether the etcd-lb run of this container is alive, for the HEALTHCHECK of an image.',
    )
    .option('--pid <PID>', 'The process to check. Default: 1.', '1')
    .action(async ({ pid }: { pid: string }) => {
      const { healthcheck } = await import('./healthcheck.ts');
      process.exitCode = await healthcheck(pid, (args) => {
        const run = withSettings(new Command('run'), () => true).exitOverride();
        return settingsOf(run.parse(args, { from: 'user' }));
      });
    });
}

function addVersion(program: Command): void {
  withOutput(program.command('version'))
    .description('Print the version, and that of Node.')
    .action(({ output }: { output: Format }) => printVersion(output));
}

function addHelp(program: Command): void {
  program
    .helpCommand(false)
    .command('help')
    .argument('[command]')
    .option('--all', 'Of run, check and config: show every setting.')
    .description('Show what a command does, and its flags.')
    .action(async (name: string | undefined, { all }: { all?: true }) => {
      const command = program.commands.find((each) => each.name() === name);
      // Parsing an unknown command fails with a message, and with the command that was probably meant.
      if (name !== undefined && command === undefined)
        await program.parseAsync(['node', 'etcd-lb', name]);
      if (all) command?.parseOptions(['--all']);
      (command ?? program).help();
    });
}

/** The settings that were given. Throws `ConfigError` for `--all` without `--help`, which would do nothing. */
function flagsOf(command: Command) {
  if (command.opts()['all']) {
    throw new ConfigError(`--all goes with --help; write etcd-lb ${command.name()} --help --all.`);
  }
  return settingsOf(command);
}

/** @param short what is said of the settings in the short help. */
function aboutSettings(command: Command, short: string): string {
  return `${command.opts()['all'] ? '' : `\n${short}\n`}
Every setting is a flag (--check-interval 1s), a key of the configuration file
(check-interval: 1s) and a variable (${envName('check-interval')}=1s).
A duration is written as 250ms, 10s or 1m30s. A switch such as --reuse-port is
on by itself, or takes on, off, true or false.

Examples:
  etcd-lb ${command.name()} --config /etc/etcd-lb/etcd-lb.yaml
  etcd-lb ${command.name()} --cacert ca.crt --cert lb.crt --key lb.key --endpoints \\
  cp1=https://10.0.0.1:2379,cp2=https://10.0.0.2:2379,cp3=https://10.0.0.3:2379`;
}
