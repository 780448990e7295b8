#!/usr/bin/env node
/**
 * The command line: which commands there are and what their exit codes mean.
 *
 *   0  ended as asked         1  an error not in the settings
 *   2  a setting is wrong     128+n  ended by a second signal n
 *
 * The commands for a running balancer end with 1 when it cannot be reached or refuses. `check` has its
 * own: 0 nothing worse than a note, 1 a warning, 2 an error or a wrong setting.
 *
 * Parses and prints; the work is done elsewhere. Commands are loaded when they are used.
 */
import { Command, CommanderError, Option } from 'commander';
import type { Flags } from '../config/load.ts';
import { envName, options } from '../config/options.ts';
import { ConfigError } from '../lib/setting-error.ts';
import { inWords, isSystemError } from '../lib/system-error.ts';
import { addInitCommand } from './init.ts';
import { addOperatorCommands } from './operator/commands.ts';
import { version } from './version.ts';

const program = new Command('etcd-lb')
  .description('A load balancer for etcd: one healthy address in front of a cluster.')
  .version(version)
  .showHelpAfterError(false)
  .showSuggestionAfterError(true)
  .exitOverride()
  .configureOutput({ outputError: () => {} }); // reported below, as every other error is

withSettings(program.command('run'))
  .description('Run the balancer.')
  .addHelpText(
    'after',
    `
Every flag is also a key of the configuration file and an environment variable:
--check-interval 1s, check-interval: 1s, ETCD_LB_CHECK_INTERVAL=1s.

${exampleOf('run')}`,
  )
  .action(async (_, command: Command) => {
    const { run } = await import('./run.ts');
    await run(flagsOf(command), version);
  });

withSettings(program.command('config'))
  .description('Print the effective settings and where each value came from.')
  .action(async (_, command: Command) => {
    const { printConfig } = await import('./config.ts');
    printConfig(flagsOf(command));
  });

withSettings(program.command('check'))
  .description('Look for what is wrong with the cluster and the settings; nothing is changed.')
  .option('--json', 'print the findings as JSON')
  .addHelpText(
    'after',
    `
Takes the settings of run and asks every member once: health, quorum, leader, alarms, versions,
database, disk and network figures, certificates, clocks. Each finding says what was seen, why it
matters and how to fix it, the worst first.

Exit codes:
  0  nothing worse than a note
  1  at least one warning
  2  at least one error, or a setting is wrong

${exampleOf('check')}`,
  )
  .action(async (_, command: Command) => {
    const { json, ...flags } = flagsOf(command);
    const { check } = await import('./check.ts');
    await check(flags, json !== undefined);
  });

addInitCommand(program, version);
addOperatorCommands(program);

program
  .command('healthcheck')
  .description(
    'Check whether the etcd-lb run of this container is alive, for the HEALTHCHECK of an image.',
  )
  .option('--pid <PID>', 'the process to check', '1')
  .action(async ({ pid }: { pid: string }) => {
    const { healthcheck } = await import('./healthcheck.ts');
    process.exitCode = await healthcheck(pid, (args) =>
      flagsOf(withSettings(new Command('run')).exitOverride().parse(args, { from: 'user' })),
    );
  });

program
  .helpCommand(false)
  .command('help')
  .argument('[command]')
  .description('Show what a command does and which flags it takes.')
  .action(async (name?: string) => {
    const command = program.commands.find((each) => each.name() === name);
    // Parsing an unknown command fails with a message, and with the command that was probably meant.
    if (name !== undefined && command === undefined)
      await program.parseAsync(['node', 'etcd-lb', name]);
    (command ?? program).help();
  });

function exampleOf(command: string): string {
  return `Example:
  etcd-lb ${command} --listen 127.0.0.1:2379 \\
    --endpoints https://10.0.0.1:2379,https://10.0.0.2:2379,https://10.0.0.3:2379 \\
    --cacert ca.crt --cert check.crt --key check.key`;
}

/** Declares a flag for each setting. Values stay text: config/ reads them, whatever their source. */
function withSettings(command: Command): Command {
  for (const { name, placeholder, default: initial, help, list } of options) {
    const value = list ? `<${placeholder}...>` : `<${placeholder}>`;
    const notes = [initial && `default ${initial}`, envName(name)].filter(Boolean).join(', ');
    command.addOption(new Option(`--${name} ${value}`, `${help} (${notes})`));
  }
  return command;
}

function flagsOf(command: Command): Flags {
  const given = command.opts<Record<string, string | string[]>>();
  return Object.fromEntries(
    command.options.map((option) => [option.name(), given[option.attributeName()]]),
  );
}

/** Prints an error as one sentence and returns the exit code. A bug of ours keeps its stack. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // --help, --version
    if (error.code === 'commander.help') return 2; // no command: the help was printed
    console.error(`etcd-lb: ${error.message.replace(/^error: /, '').replace(/\n/, ' ')}`);
    return 2;
  }
  const isAdminError = error instanceof Error && error.name === 'AdminError';
  if (isAdminError || error instanceof ConfigError) console.error(`etcd-lb: ${error.message}`);
  else console.error(isSystemError(error) ? `etcd-lb: ${error.message}.` : error);
  return error instanceof ConfigError ? 2 : 1;
}

// `etcd-lb --help | head` closes our output before we are done, which is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  console.error(`etcd-lb: standard output cannot be written: ${inWords(error)}.`);
  process.exit(1);
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
