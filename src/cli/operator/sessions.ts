/** `etcd-lb sessions`: who is connected to which member. */

import type { AdminClient } from '../../admin/client.ts';
import type { SessionStatus } from '../../admin/session-status.ts';
import { formatBytes } from '../../lib/text/quantities.ts';
import { documentOf, type Format } from '../flags/output.ts';
import { age, columns } from '../table.ts';

const heads = ['ID', 'MEMBER', 'CLIENT', 'AGE', 'IDLE', 'SENT', 'RECEIVED', 'IN FLIGHT', ''];

/** Prints them, of one member or of all. Rejects with `AdminError`. */
export async function printSessions(
  client: AdminClient,
  { member, output }: { readonly member?: string; readonly output: Format },
): Promise<void> {
  const query = member === undefined ? '' : `?member=${encodeURIComponent(member)}`;
  const sessions = await client.get<SessionStatus[]>(`/v1/sessions${query}`);
  if (output !== 'table') {
    process.stdout.write(await documentOf(sessions, output));
    return;
  }
  const rows = sessions.map((session) => [
    `${session.id}`,
    session.member,
    session.client ?? 'unix',
    age(session.ageMs),
    age(session.idleMs),
    formatBytes(session.bytesFromClient),
    formatBytes(session.bytesFromMember),
    session.calls?.state === 'followed' ? `${session.calls.inFlight}` : '-',
    session.leaving === undefined ? '' : `leaving: ${session.leaving}`,
  ]);
  console.log(columns([heads, ...rows]).join('\n'));
}
