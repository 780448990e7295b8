/**
 * The commands for a running balancer: they find its admin socket and ask there.
 *
 * Owns their flags and examples. What they do is loaded when they are used.
 */
import { Argument, type Command, Option } from 'commander';
import { logLevels } from '../../config/settings.ts';
import { parseDuration } from '../../config/values/duration.ts';
import { parseAdminSocket, usualAdminSocket } from '../../config/values/listen.ts';
import { ConfigError } from '../../lib/setting-error.ts';
import { withOutput } from '../flags/output.ts';

const operations = () => import('./operations.ts');

/** Adds them to the program. */
export function addOperatorCommands(program: Command): void {
  addViews(program);
  addDrains(program);
  addPauses(program);
  addOperations(program);
  addCompletion(program);
}

const aboutStatusCodes = `
Exit codes with --exit-code, by the rules of the status page's headline:
  0  all is well, or as an operator wants it
  1  clients are served, and less may go wrong than before
  2  clients are not served, or nothing can be written
  3  nothing was found out: the balancer cannot be reached, or a flag is wrong
`;

/** Commands that show something and change nothing, except `sessions --close`. */
function addViews(program: Command): void {
  const ofStatus = examples('status', 'status --watch', 'status -o json', 'status --exit-code');
  withOutput(asking(program, 'status', `${aboutStatusCodes}${ofStatus}`))
    .summary('Show members, leader, sessions, and what happened last.')
    .description('Show members, leader, sessions, rates, checks and what happened last.')
    .option('--watch', 'Refresh it every second until Ctrl-C.')
    .addOption(
      new Option('--exit-code', 'End with a code that says how things are.').conflicts('watch'),
    )
    .addOption(new Option('--names', "Only the members' names.").hideHelp())
    .action(async (options) => {
      const { printStatus } = await import('./status.ts');
      process.exitCode = await printStatus(await clientAt(options.adminSocket), options);
    });

  const ofSessions = examples('sessions', 'sessions --member cp2', 'sessions --close 42');
  withOutput(asking(program, 'sessions', ofSessions))
    .description('List the open client connections, the oldest first.')
    .option('--member <MEMBER>', 'Only those of this member.')
    .option('--close <ID>', 'Close one instead; its client comes back.')
    .action(async ({ close, ...options }) => {
      const client = await clientAt(options.adminSocket);
      if (close !== undefined) return (await operations()).closeSession(client, close);
      const { printSessions } = await import('./sessions.ts');
      return printSessions(client, options);
    });

  const ofEvents = examples('events', 'events --follow', 'events --member cp2', 'events -o json');
  withOutput(asking(program, 'events', ofEvents))
    .summary('Print what has happened, oldest first.')
    .description('Print what has happened, oldest first, with the evidence.')
    .option('--follow', 'Then print new events until Ctrl-C.')
    .option('--member <MEMBER>', 'Only events about this member.')
    .action(async (options) => {
      const { printEvents } = await import('./events.ts');
      await printEvents(await clientAt(options.adminSocket), options);
    });
}

const aboutDrain = `
If the member leads, another one leads first, as by move-leader. It stays
drained until undrain: over its own restarts, over reloads, and with --state-dir
over restarts of etcd-lb. Sessions whose calls are followed are moved without
cutting a call. Of the others, quiet ones are closed at once, and the rest when
the time is over.
`;

function addDrains(program: Command): void {
  const shown = examples(
    'drain cp2 --wait',
    'drain cp2 --wait --timeout 5m',
    'drain 10.0.0.2:2379',
  );
  asking(program, 'drain', `${aboutDrain}${shown}`)
    .summary('Give a member no new connections; its sessions leave.')
    .description('Give a member no new connections, and let its sessions leave.')
    .argument('<member>', 'Its name, its id, or its address.')
    .option('--wait', 'Return when no session is left there.')
    .option(
      '--timeout <DURATION>',
      'For its sessions to leave. Default: --drain-timeout.',
      duration,
    )
    .option('--force', 'Drain even the last member that can be used.')
    .option('--keep-leader', 'Do not have another member lead first, if this one does.')
    .action(async (member, options) =>
      (await operations()).drain(await clientAt(options.adminSocket), member, options),
    );

  asking(program, 'undrain', examples('undrain cp2'))
    .summary('Take a drain back.')
    .description('Take a drain back: the member gets connections again.')
    .argument('<member>', 'Its name, its id, or its address.')
    .action(async (member, { adminSocket }) =>
      (await operations()).undrain(await clientAt(adminSocket), member),
    );
}

const aboutPause = `
The sessions leave within --drain-timeout, as by drain. New clients are accepted
and wait, unread, until resume; with --refuse they are reset. It lasts over
reloads, and with --state-dir over restarts of etcd-lb. For the restore of a
cluster: see docs/recipes.md.
`;
const aboutResume = `
A cluster that was restored from a snapshot has another id than the one that
etcd-lb knows. Nobody gets a member of it until it is accepted.
`;

function addPauses(program: Command): void {
  asking(program, 'pause', `${aboutPause}${examples('pause --wait', 'pause --refuse')}`)
    .summary('Give nobody a member; clients wait, or are refused.')
    .description('Give nobody a member until resume: clients wait, or are refused.')
    .option('--refuse', 'Reset new clients, in place of having them wait.')
    .option('--wait', 'Return when no session is left.')
    .action(async ({ adminSocket, ...options }) =>
      (await operations()).pause(await clientAt(adminSocket), options),
    );

  const ofResume = examples(
    'resume',
    'resume --accept-cluster',
    'resume --accept-cluster 8e9e05c52164694d',
  );
  asking(program, 'resume', `${aboutResume}${ofResume}`)
    .summary('Take a pause back, and accept a restored cluster.')
    .description('Take a pause back: clients get members again, and those that wait get them now.')
    .option(
      '--accept-cluster [ID]',
      'Take the cluster, or the one with this id, for the one that clients are to have.',
    )
    .action(async ({ adminSocket, acceptCluster }) =>
      (await operations()).resume(await clientAt(adminSocket), acceptCluster),
    );
}

function addOperations(program: Command): void {
  asking(program, 'move-leader', examples('move-leader', 'move-leader cp2'))
    .summary('Have another member lead.')
    .description('Have another member lead; clients are held meanwhile, and lose nothing.')
    .argument('[member]', 'Its name, its id, or its address. Default: the one that lags least.')
    .action(async (member, { adminSocket }) =>
      (await operations()).moveLeader(await clientAt(adminSocket), member),
    );

  asking(program, 'rebalance', examples('rebalance'))
    .summary('Move sessions now, until the members have their shares.')
    .description('Move sessions now until the members have their shares.')
    .action(async ({ adminSocket }) => (await operations()).rebalance(await clientAt(adminSocket)));

  asking(program, 'reload', examples('reload'))
    .summary('Read the settings again.')
    .description('Read the settings again and apply all that has changed, or nothing.')
    .option('--force', 'Even if no member could be used then.')
    .action(async ({ adminSocket, force = false }) =>
      (await operations()).reload(await clientAt(adminSocket), force),
    );

  asking(program, 'log-level', examples('log-level debug'))
    .summary('Log more or less until a reload or a restart.')
    .description('Change how much is logged, until a reload or a restart.')
    .addArgument(new Argument('<level>').choices(logLevels))
    .action(async (level, { adminSocket }) =>
      (await operations()).setLogLevel(await clientAt(adminSocket), level),
    );
}

function addCompletion(program: Command): void {
  program
    .command('completion')
    .helpGroup('Other:')
    .summary('Print the completion for a shell.')
    .description('Print the completion of commands, flags and members for a shell.')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      examples(
        'completion bash > /etc/bash_completion.d/etcd-lb',
        `completion zsh > "\${fpath[1]}/_etcd-lb"`,
        'completion fish > ~/.config/fish/completions/etcd-lb.fish',
      ),
    )
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionFor } = await import('../flags/completion.ts');
      process.stdout.write(completionFor(shell, program));
    });
}

/** A command that asks a running balancer. */
function asking(program: Command, name: string, after: string): Command {
  const about = `Where the balancer listens for commands; also ETCD_LB_ADMIN_SOCKET. Default: ${usualAdminSocket}.`;
  const socket = new Option('--admin-socket <PATH>', about)
    .env('ETCD_LB_ADMIN_SOCKET')
    .default(usualAdminSocket);
  return program.command(name).addOption(socket).addHelpText('after', after);
}

async function clientAt(text: string) {
  const { AdminClient, AdminError } = await import('../../admin/client.ts');
  const socket = parseAdminSocket(text);
  if (socket.kind === 'off') {
    throw new AdminError(
      'The admin socket is off: give the path of one that is on in --admin-socket.',
    );
  }
  return new AdminClient(socket.kind === 'path' ? socket.path : usualAdminSocket);
}

function examples(...lines: readonly string[]): string {
  return ['', 'Examples:', ...lines.map((line) => `  etcd-lb ${line}`)].join('\n');
}

function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new ConfigError(`--timeout: ${(error as Error).message}.`);
  }
}
