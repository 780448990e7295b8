/** Calls of the etcd3 library, and how a call is written down. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Etcd3, IResponseHeader } from 'etcd3';
import type { History } from './history.ts';
import { type CallRecord, now } from './record.ts';

/** What was asked, as the record has it. */
export type Question = Pick<
  CallRecord,
  'client' | 'op' | 'key' | 'value' | 'expected' | 'shortLived'
>;

/** What became of it, as the record has it. */
export type Answer = Pick<CallRecord, 'error' | 'read' | 'swapped' | 'revision' | 'member'>;

/** A library may forget a deadline; after this many ms more, we do not wait. */
const grace = 2_000;

/**
 * Asks, and adds the call to the history, however it ends.
 *
 * @param ask told when the call must be over, ms since 1970 by the system's clock.
 */
export async function call(
  history: History,
  question: Question,
  patience: number,
  ask: (deadline: number) => Promise<Answer>,
): Promise<CallRecord> {
  const said = history.said();
  const begun = now();
  const given = new AbortController();
  const tooLong = delay(patience + grace, undefined, { signal: given.signal }).then(() => {
    throw new Error(`no end ${grace} ms after the deadline`);
  });
  const answer = await Promise.race([ask(Date.now() + patience), tooLong])
    .catch((error: unknown): Answer => ({ error: messageOf(error) }))
    .finally(() => {
      tooLong.catch(() => {});
      given.abort();
    });
  const record: CallRecord = {
    kind: 'call',
    ...question,
    said,
    begun,
    ended: now(),
    ...answer,
  };
  history.called(record);
  return record;
}

export async function get(client: Etcd3, key: string, deadline: number): Promise<Answer> {
  const { header, kvs } = await client.kv.range({ key: Buffer.from(key) }, { deadline });
  return { ...headed(header), read: kvs[0]?.value.toString() ?? null };
}

export async function put(
  client: Etcd3,
  key: string,
  value: string,
  deadline: number,
  lease?: string,
): Promise<Answer> {
  const request = { key: Buffer.from(key), value: Buffer.from(value) };
  const { header } = await client.kv.put({ ...request, ...(lease && { lease }) }, { deadline });
  return headed(header);
}

/** @param expected null for no key. */
export async function swap(
  client: Etcd3,
  key: string,
  expected: string | null,
  value: string,
  deadline: number,
): Promise<Answer> {
  const bytes = Buffer.from(key);
  const compare =
    expected === null
      ? ({ target: 'Create', result: 'Equal', key: bytes, create_revision: 0 } as const)
      : ({ target: 'Value', result: 'Equal', key: bytes, value: Buffer.from(expected) } as const);
  const write = { request_put: { key: bytes, value: Buffer.from(value) } };
  const request = { compare: [compare], success: [write] };
  const { header, succeeded } = await client.kv.txn(request, { deadline });
  return { ...headed(header), swapped: succeeded };
}

export function headed({ revision, member_id }: IResponseHeader): Answer {
  return { revision: Number(revision), member: member_id };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
