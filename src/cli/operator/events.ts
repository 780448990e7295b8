/** `etcd-lb events`: past events, and with --follow new ones as well. */
import { styleText } from 'node:util';
import type { AdminClient, ToldEvent } from '../../admin/client.ts';
import { membersOf } from '../../observe/events/members-of.ts';
import { documentOf, type Format } from '../flags/output.ts';

const colours = { info: 'dim', warn: 'yellow', error: 'red' } as const;

export interface EventsOptions {
  readonly follow?: true;
  readonly output: Format;
  /** Only events with this member in any field. */
  readonly member?: string;
}

/** Prints the last few hundred, oldest first, then follows until Ctrl-C if asked. Rejects with `AdminError`. */
export async function printEvents(client: AdminClient, options: EventsOptions): Promise<void> {
  const { follow, output, member } = options;
  const show = async (event: ToldEvent): Promise<void> => {
    if (member !== undefined && !membersOf(event.fields).includes(member)) return;
    console.log(
      output === 'table' ? line(event) : (await documentOf(event, output, true)).trimEnd(),
    );
  };
  if (!follow) {
    for (const event of (await client.status()).events) await show(event);
    return;
  }
  for await (const event of client.events(new AbortController().signal)) await show(event);
}

function line({ at, level, message }: ToldEvent): string {
  return `${at}  ${styleText(colours[level], level.padEnd(5))}  ${message}`;
}
