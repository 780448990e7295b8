/** What `etcd-lb events` prints. */
import { stripVTControlCharacters } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';
import type { AdminClient, ToldEvent } from '../../../../src/admin/client.ts';
import { printEvents } from '../../../../src/cli/operator/events.ts';
import { type Event, describe as told } from '../../../../src/observe/events/event.ts';

const at = '2026-11-22T20:42:00.000Z';
const why = 'm1, the leader, does not answer';
const hold = { leader: 'm1', cause: 'unresponsive', why, since: 0 } as const;
const happened: readonly Event[] = [
  { kind: 'member-fit', member: 'm0' },
  { kind: 'hold-began', ...hold },
  { kind: 'hold-ended', ...hold, end: 'elected', successor: 'm2', duration: 1_300 },
  { kind: 'rebalance-asked', excess: { m0: 3, m2: 1 } },
  { kind: 'stopped', cut: 0 },
];

afterEach(() => void vi.restoreAllMocks());

/** The sentences. */
async function printed(member: string | undefined): Promise<string[]> {
  const events = happened.map((event): ToldEvent => ({ at, kind: event.kind, ...told(event) }));
  const client = { status: async () => ({ events }) } as unknown as AdminClient;
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await printEvents(client, { output: 'table', ...(member !== undefined && { member }) });
  const lines = log.mock.calls.map(([line]) => stripVTControlCharacters(String(line)));
  for (const line of lines) expect(line).toMatch(/^2026-11-22T20:42:00\.000Z {2}(info |warn ) {2}/);
  return lines.map((line) => line.slice(33));
}

test('all of them, or those that name a member in any field', async () => {
  const [fit, began, ended, asked, stopped] = await printed(undefined);
  expect(began).toBe('holding what clients send: m1, the leader, does not answer');
  expect(stopped).toBe('stopped');
  vi.restoreAllMocks();
  expect(await printed('m1')).toEqual([began, ended]);
  vi.restoreAllMocks();
  expect(await printed('m2')).toEqual([ended, asked]);
  vi.restoreAllMocks();
  expect(await printed('m0')).toEqual([fit, asked]);
});
