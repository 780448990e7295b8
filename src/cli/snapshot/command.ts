/**
 * `etcd-lb snapshot`: its flags, help and exit codes. What it does is loaded when it is used.
 *
 *   0  saved, or whole          1  not saved, or damaged          2  a setting or flag is wrong
 */
import { Argument, type Command, Option } from 'commander';
import { parseAdminSocket, usualAdminSocket } from '../../config/values/listen.ts';
import { parseSize } from '../../config/values/size.ts';
import { ConfigError } from '../../lib/setting-error.ts';
import { type Format, withOutput } from '../flags/output.ts';
import { isReadBySnapshot, settingsOf, withAll, withSettings } from '../flags/setting-flags.ts';

const about = `
save takes it from the member that suits best: healthy, not the leader, least
behind, with the fewest sessions. It verifies size, format and the hash that
etcd appends, writes beside the file, and gives it its name when all is on the
disk. When a member fails half-way the next one is asked, from the start.

status verifies a file, and says what is in it. It needs no etcd.

Exit codes:
  0  saved, or whole
  1  not saved, or damaged
  2  a setting or a flag is wrong

Examples:
  etcd-lb snapshot save --config /etc/etcd-lb/etcd-lb.yaml /backup/etcd.db
  etcd-lb snapshot save --config /etc/etcd-lb/etcd-lb.yaml - | gzip > etcd.db.gz
  etcd-lb snapshot status /backup/etcd.db`;

interface Given {
  readonly from?: string;
  readonly maxRate?: number;
  readonly force?: true;
  readonly output: Format;
  readonly adminSocket?: string;
}

export function addSnapshotCommand(program: Command): void {
  const rate = new Option('--max-rate <SIZE>', 'Take at most this much a second, such as 20MB.');
  withAll(withOutput(withSettings(program.command('snapshot'), isReadBySnapshot)))
    .summary('Save a snapshot of etcd, or verify one.')
    .description('Save a snapshot of etcd, or verify one.')
    .addArgument(new Argument('<action>', 'save or status').choices(['save', 'status']))
    .argument('<file>', 'the file of the snapshot; - is standard output, for save')
    .option('--from <MEMBER>', 'Take it from this member, and from no other.')
    .addOption(rate.argParser((text) => parsed('--max-rate', () => parseSize(text))))
    .option('--force', 'Replace a file of that name.')
    .addHelpText('after', about)
    .action(async (action: 'save' | 'status', file: string, given: Given, command: Command) => {
      if (action === 'status') {
        const { printSnapshot } = await import('./status.ts');
        process.exitCode = await printSnapshot(file, given.output);
        return;
      }
      const { saveSnapshot } = await import('./save.ts');
      await saveSnapshot(settingsOf(command), file, { ...given, adminSocket: socketOf(given) });
    });
}

/** Where a running balancer would be asked; `undefined` for nowhere. */
function socketOf({ adminSocket = process.env['ETCD_LB_ADMIN_SOCKET'] }: Given) {
  const socket = parsed('--admin-socket', () => parseAdminSocket(adminSocket ?? 'auto'));
  if (socket.kind === 'off') return undefined;
  return socket.kind === 'path' ? socket.path : usualAdminSocket;
}

function parsed<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new ConfigError(`${flag}: ${(error as Error).message}.`);
  }
}
