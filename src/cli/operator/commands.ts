/**
 * The commands for a balancer that runs: they find its admin socket and ask there.
 *
 * Owns their flags and examples. What they do is loaded when they are used.
 */
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { logLevels } from '../../config/settings.ts';
import { parseAdminSocket, usualAdminSocket } from '../../config/values/listen.ts';
import { parseDuration } from '../../config/values/duration.ts';

/** Adds them to the program. */
export function addOperatorCommands(program: Command): void {
  reaching(program.command('status'))
    .description('Show members, leader, sessions, rates, checks and what happened last.')
    .option('--watch', 'renew it every second until Ctrl-C')
    .option('--json', 'print it as JSON, as /status has it')
    .addOption(new Option('--names', "only the members' names").hideHelp())
    .addHelpText('after', examples('status', 'status --watch', 'status --json'))
    .action(async ({ adminSocket, watch, json, names }) => {
      const { printStatus } = await import('./status.ts');
      const options = { watch: watch === true, json: json === true, names: names === true };
      await printStatus(await clientAt(adminSocket), options);
    });

  reaching(program.command('sessions'))
    .description('List the open client connections, the oldest first.')
    .option('--member <member>', 'only those of this member')
    .option('--close <id>', 'close one instead; its client comes back')
    .option('--json', 'print them as JSON')
    .addHelpText('after', examples('sessions', 'sessions --member m1', 'sessions --close 42'))
    .action(async ({ adminSocket, member, close, json }) => {
      const client = await clientAt(adminSocket);
      if (close !== undefined) return (await import('./operations.ts')).closeSession(client, close);
      const { printSessions } = await import('./sessions.ts');
      return printSessions(client, { member, json: json === true });
    });

  reaching(program.command('events'))
    .description('Print what has happened, oldest first, with the evidence.')
    .option('--follow', 'go on with what happens, until Ctrl-C')
    .option('--member <member>', 'only what concerns this member')
    .option('--json', 'a JSON object a line')
    .addHelpText('after', examples('events', 'events --follow', 'events --member m1'))
    .action(async ({ adminSocket, follow, member, json }) => {
      const { printEvents } = await import('./events.ts');
      const options = { follow: follow === true, json: json === true, member };
      await printEvents(await clientAt(adminSocket), options);
    });

  reaching(program.command('drain'))
    .description('Give a member no new connections, and let its sessions leave.')
    .argument('<member>', 'its name, its id, or its address')
    .option('--wait', 'until no session is left there')
    .option(
      '--timeout <duration>',
      'for its sessions to leave (default: --drain-timeout)',
      duration,
    )
    .option('--force', 'also the last member that can be used')
    .option('--keep-leader', 'do not have another member lead first, if this one does')
    .addHelpText(
      'after',
      `
If it leads, another member leads first, as by move-leader. It stays drained until it is undrained: over its own restarts, over reloads, and with --state-dir over
restarts of etcd-lb. Sessions whose calls are followed are moved without cutting one; of the others those
that are quiet are closed, and what is left when the time is over.
${examples('drain m1 --wait', 'drain m1 --wait --timeout 5m', 'drain 10.0.0.2:2379')}`,
    )
    .action(async (member, { adminSocket, timeout, force, keepLeader, wait }) => {
      const { drain } = await import('./operations.ts');
      const flags = { force: force === true, keepLeader: keepLeader === true, wait: wait === true };
      const options = { timeout, ...flags };
      await drain(await clientAt(adminSocket), member, options);
    });

  reaching(program.command('undrain'))
    .description('Take a drain back: the member gets connections again.')
    .argument('<member>', 'its name, its id, or its address')
    .addHelpText('after', examples('undrain m1'))
    .action(async (member, { adminSocket }) => {
      const { undrain } = await import('./operations.ts');
      await undrain(await clientAt(adminSocket), member);
    });

  reaching(program.command('move-leader'))
    .description('Have another member lead; clients are held meanwhile, and lose nothing.')
    .argument('[member]', 'its name, its id, or its address (default: the one that lags least)')
    .addHelpText('after', examples('move-leader', 'move-leader m1'))
    .action(async (member, { adminSocket }) => {
      const { moveLeader } = await import('./operations.ts');
      await moveLeader(await clientAt(adminSocket), member);
    });

  reaching(program.command('rebalance'))
    .description('Move sessions now until the members have their shares.')
    .addHelpText('after', examples('rebalance'))
    .action(async ({ adminSocket }) => {
      const { rebalance } = await import('./operations.ts');
      await rebalance(await clientAt(adminSocket));
    });

  reaching(program.command('reload'))
    .description('Read the settings again and put in force what has changed, or nothing.')
    .option('--force', 'also if no member could be used then')
    .addHelpText('after', examples('reload'))
    .action(async ({ adminSocket, force }) => {
      const { reload } = await import('./operations.ts');
      await reload(await clientAt(adminSocket), force === true);
    });

  reaching(program.command('log-level'))
    .description('Change how much is logged, until a reload or a restart.')
    .addArgument(new Argument('<level>').choices(logLevels))
    .addHelpText('after', examples('log-level debug'))
    .action(async (level, { adminSocket }) => {
      const { setLogLevel } = await import('./operations.ts');
      await setLogLevel(await clientAt(adminSocket), level);
    });

  program
    .command('completion')
    .description('Print the completion of commands, flags and members for a shell.')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      `
Examples:
  etcd-lb completion bash > /etc/bash_completion.d/etcd-lb
  etcd-lb completion zsh > "\${fpath[1]}/_etcd-lb"
  etcd-lb completion fish > ~/.config/fish/completions/etcd-lb.fish`,
    )
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionFor } = await import('../completion.ts');
      process.stdout.write(completionFor(shell, program));
    });
}

/** A command that needs a balancer that runs. */
function reaching(command: Command): Command {
  return command.addOption(
    new Option('--admin-socket <path>', 'where the balancer listens for commands')
      .env('ETCD_LB_ADMIN_SOCKET')
      .default(usualAdminSocket),
  );
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
