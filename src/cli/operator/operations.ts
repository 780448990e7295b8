/** The commands that make a running balancer do something: each asks, and prints the result. */
import { setTimeout as delay } from 'node:timers/promises';
import { type AdminClient, AdminError } from '../../admin/client.ts';
import type { Drained, Moved, Rebalanced } from '../../admin/operations.ts';
import type { Paused, Resumed } from '../../admin/pausing.ts';
import { formatDuration } from '../../config/values/duration.ts';
import { count } from '../../lib/text/count.ts';
import { formatMs } from '../../lib/text/quantities.ts';

/** Between two polls of a drain, ms. */
const interval = 200;

export interface DrainOptions {
  /** How long its sessions have to leave, ms; the balancer's --drain-timeout if absent. */
  readonly timeout?: number;
  readonly force?: true;
  /** Does it go on leading, if it leads? */
  readonly keepLeader?: true;
  /** Return only when no session is left? */
  readonly wait?: true;
}

/** Rejects with `AdminError`, as all of these. */
export async function drain(
  client: AdminClient,
  member: string,
  { timeout, force, keepLeader, wait }: DrainOptions,
): Promise<void> {
  const path = `/v1/members/${encodeURIComponent(member)}/drain`;
  const drained = await client.post<Drained>(path, { force, keepLeader, timeout });
  const { member: name, sessions } = drained;
  const leaving = `, ${count(sessions, 'session')} ${sessions === 1 ? 'has' : 'have'} ${formatDuration(drained.timeout)} to leave`;
  console.log(`${name} is drained: no new connections${sessions > 0 ? leaving : ''}.`);
  warn(drained.warnings);
  if (!wait) return;
  for (;;) {
    const { members } = await client.status();
    const status = members.find((each) => each.name === name);
    if (status === undefined || status.sessions === 0) break;
    if (status.drain === undefined) {
      throw new AdminError(`${name} is no longer drained: somebody has undrained it.`);
    }
    await delay(interval);
  }
  console.log(`${name} has no session left.`);
}

export async function undrain(client: AdminClient, member: string): Promise<void> {
  const path = `/v1/members/${encodeURIComponent(member)}/undrain`;
  const answer = await client.post<{ member: string; warnings: string[] }>(path);
  console.log(`${answer.member} gets connections again while it is healthy.`);
  warn(answer.warnings);
}

/** @param wait return only when no session is left? */
export async function pause(
  client: AdminClient,
  { refuse, wait }: { readonly refuse?: true; readonly wait?: true },
): Promise<void> {
  const paused = await client.post<Paused>('/v1/pause', { refuse });
  const { sessions, timeout } = paused;
  const leaving =
    sessions === 0
      ? ''
      : `, and ${count(sessions, 'session')} may leave within ${formatDuration(timeout)}`;
  console.log(`Nobody gets a member: clients ${refuse ? 'are refused' : 'wait'}${leaving}.`);
  warn(paused.warnings);
  if (!wait) return;
  for (;;) {
    const status = await client.status();
    if (status.sessions === 0) break;
    if (status.paused === undefined) {
      throw new AdminError('etcd-lb is no longer paused: somebody has resumed it.');
    }
    await delay(interval);
  }
  console.log('No session is left.');
}

/** @param acceptCluster an id, or true for whichever cluster is in place of the known one. */
export async function resume(
  client: AdminClient,
  acceptCluster: string | true | undefined,
): Promise<void> {
  const { waiting, accepted, warnings } = await client.post<Resumed>('/v1/resume', {
    acceptCluster,
  });
  if (accepted !== undefined) console.log(`The cluster is ${accepted} from now on.`);
  const waited = waiting === 0 ? '' : `, ${count(waiting, 'client')} that waited first`;
  console.log(`Clients get members again${waited}.`);
  warn(warnings);
}

export async function moveLeader(client: AdminClient, to: string | undefined): Promise<void> {
  const moved = await client.post<Moved>('/v1/leader/move', { to });
  const cost = moved.heldMs === 0 ? '' : `; clients were held for ${formatMs(moved.heldMs)}`;
  console.log(`${moved.to} leads in place of ${moved.from}${cost}.`);
}

export async function rebalance(client: AdminClient): Promise<void> {
  const { excess, starting } = await client.post<Rebalanced>('/v1/rebalance');
  const moves = Object.entries(excess).map(([name, sessions]) => `up to ${sessions} from ${name}`);
  const even =
    starting.length > 0 ? 'No session has to move now.' : 'The members are even already.';
  console.log(moves.length > 0 ? `Sessions are being moved: ${moves.join(', ')}.` : even);
  if (starting.length === 0) return;
  console.log(`The share of ${starting.join(', ')} is smaller until --slow-start is over.`);
}

export async function reload(client: AdminClient, force: boolean): Promise<void> {
  type Reloaded = { changed: string[]; waiting: string[] };
  const { changed, waiting } = await client.post<Reloaded>('/v1/reload', { force });
  console.log(changed.length === 0 ? 'Nothing has changed.' : `Changed: ${changed.join(', ')}.`);
  if (waiting.length > 0) warn([`${waiting.join(', ')} would change only with a restart.`]);
}

export async function setLogLevel(client: AdminClient, level: string): Promise<void> {
  await client.post('/v1/log-level', { level });
  console.log(`The log level is ${level} until a reload or a restart.`);
}

export async function closeSession(client: AdminClient, id: string): Promise<void> {
  await client.post(`/v1/sessions/${encodeURIComponent(id)}/close`);
  console.log(`Session ${id} is closed; its client will come back.`);
}

function warn(sentences: readonly string[]): void {
  for (const sentence of sentences) console.error(`etcd-lb: ${sentence}`);
}
