/**
 * The commands for a running balancer: they find its admin socket and ask there.
 *
 * Owns their flags and examples. What they do is loaded when they are used.
 */
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { logLevels } from '../../config/settings.ts';
import { parseDuration } from '../../config/values/duration.ts';
import { parseAdminSocket, usualAdminSocket } from '../../config/values/listen.ts';

const operations = () => import('./operations.ts');

/** Adds them to the program. */
export function addOperatorCommands(program: Command): void {
  addViews(program);
  addDrains(program);
  addOperations(program);
  addCompletion(program);
}

/** Commands that show something and change nothing, except `sessions --close`. */
function addViews(program: Command): void {
  asking(program, 'status', examples('status', 'status --watch', 'status --json'))
    .description('Show members, leader, sessions, rates, checks and what happened last.')
    .option('--watch', 'refresh it every second until Ctrl-C')
    .option('--json', 'print it as JSON, as /status has it')
    .addOption(new Option('--names', "only the members' names").hideHelp())
    .action(async (options) => {
      const { printStatus } = await import('./status.ts');
      await printStatus(await clientAt(options.adminSocket), options);
    });

  asking(program, 'sessions', examples('sessions', 'sessions --member m1', 'sessions --close 42'))
    .description('List the open client connections, the oldest first.')
    .option('--member <member>', 'only those of this member')
    .option('--close <id>', 'close one instead; its client comes back')
    .option('--json', 'print them as JSON')
    .action(async ({ close, ...options }) => {
      const client = await clientAt(options.adminSocket);
      if (close !== undefined) return (await operations()).closeSession(client, close);
      const { printSessions } = await import('./sessions.ts');
      return printSessions(client, options);
    });

  asking(program, 'events', examples('events', 'events --follow', 'events --member m1'))
    .description('Print what has happened, oldest first, with the evidence.')
    .option('--follow', 'then print new events until Ctrl-C')
    .option('--member <member>', 'only events about this member')
    .option('--json', 'one JSON object per line')
    .action(async (options) => {
      const { printEvents } = await import('./events.ts');
      await printEvents(await clientAt(options.adminSocket), options);
    });
}

const aboutDrain = `
If the member leads, another one leads first, as by move-leader. It stays drained until undrain: over
its own restarts, over reloads, and with --state-dir over restarts of etcd-lb. Sessions whose calls
are followed are moved without cutting a call. Of the others, quiet ones are closed at once, and the
rest when the time is over.
`;

function addDrains(program: Command): void {
  const shown = examples('drain m1 --wait', 'drain m1 --wait --timeout 5m', 'drain 10.0.0.2:2379');
  asking(program, 'drain', `${aboutDrain}${shown}`)
    .description('Give a member no new connections, and let its sessions leave.')
    .argument('<member>', 'its name, its id, or its address')
    .option('--wait', 'return when no session is left there')
    .option(
      '--timeout <duration>',
      'for its sessions to leave (default: --drain-timeout)',
      duration,
    )
    .option('--force', 'drain even the last member that can be used')
    .option('--keep-leader', 'do not have another member lead first, if this one does')
    .action(async (member, options) =>
      (await operations()).drain(await clientAt(options.adminSocket), member, options),
    );

  asking(program, 'undrain', examples('undrain m1'))
    .description('Take a drain back: the member gets connections again.')
    .argument('<member>', 'its name, its id, or its address')
    .action(async (member, { adminSocket }) =>
      (await operations()).undrain(await clientAt(adminSocket), member),
    );
}

function addOperations(program: Command): void {
  asking(program, 'move-leader', examples('move-leader', 'move-leader m1'))
    .description('Have another member lead; clients are held meanwhile, and lose nothing.')
    .argument('[member]', 'its name, its id, or its address (default: the one that lags least)')
    .action(async (member, { adminSocket }) =>
      (await operations()).moveLeader(await clientAt(adminSocket), member),
    );

  asking(program, 'rebalance', examples('rebalance'))
    .description('Move sessions now until the members have their shares.')
    .action(async ({ adminSocket }) => (await operations()).rebalance(await clientAt(adminSocket)));

  asking(program, 'reload', examples('reload'))
    .description('Read the settings again and apply all that has changed, or nothing.')
    .option('--force', 'even if no member could be used then')
    .action(async ({ adminSocket, force = false }) =>
      (await operations()).reload(await clientAt(adminSocket), force),
    );

  asking(program, 'log-level', examples('log-level debug'))
    .description('Change how much is logged, until a reload or a restart.')
    .addArgument(new Argument('<level>').choices(logLevels))
    .action(async (level, { adminSocket }) =>
      (await operations()).setLogLevel(await clientAt(adminSocket), level),
    );
}

function addCompletion(program: Command): void {
  program
    .command('completion')
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
      const { completionFor } = await import('../completion.ts');
      process.stdout.write(completionFor(shell, program));
    });

  // For the build, which packs the page; whoever installs a package reads it with man.
  program.command('manual', { hidden: true }).action(async () => {
    const { manualFor } = await import('../manual.ts');
    process.stdout.write(manualFor(program));
  });
}

/** A command that asks a running balancer. */
function asking(program: Command, name: string, after: string): Command {
  const socket = new Option('--admin-socket <path>', 'where the balancer listens for commands')
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
    throw new InvalidArgumentError((error as Error).message);
  }
}
