/** The exit code of `etcd-lb status --exit-code`, and the names that a shell is given. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { AdminClient } from '../../../../src/admin/client.ts';
import { exitCodeOf, printStatus } from '../../../../src/cli/operator/status.ts';
import type { Status } from '../../../../src/observe/status.ts';
import { failedMember, m0Held, m0Moved, memberNamed, updateWith } from '../../page/updates.ts';

const at = '2026-11-22T20:42:00.000Z';

afterEach(() => void vi.restoreAllMocks());

const members = [failedMember('m0'), memberNamed('m1'), memberNamed('m2')];
const drained = [memberNamed('m0', { drain: { since: at } }), ...members.slice(1)];

type Change = Required<Parameters<typeof updateWith>>;
type Case = readonly [string, 0 | 1 | 2, Change[0], Change[1]];

describe('the exit code', () => {
  test.each<Case>([
    ['all well', 0, {}, {}],
    ['drained by an operator', 0, { members: drained }, {}],
    ['the leader moves as asked', 0, { hold: { limitMs: 4_000, current: m0Moved } }, {}],
    ['a member failed', 1, { members }, { healthyVoters: 2, tolerance: 0 }],
    ['stopping', 1, { stopping: true }, {}],
    ['held', 1, { hold: { limitMs: 4_000, current: m0Held } }, {}],
    ['no leader', 2, {}, { leader: undefined }],
    ['no quorum', 2, { members }, { healthyVoters: 1, tolerance: 0 }],
    ['an alarm', 2, {}, { alarms: [{ kind: 'NOSPACE', memberId: 'm0', member: 'm0' }] }],
    ['panic', 2, { mode: 'panic' }, {}],
    ['paused', 2, { paused: { refuse: false, since: at } }, {}],
    ['another cluster', 2, {}, { replaced: { id: 'c2', was: 'c1' } }],
    ['still starting', 2, { mode: 'starting' }, {}],
  ])('%s: %d', (_, code, change, cluster) => {
    expect(exitCodeOf({ ...updateWith(change, cluster), events: [] }, at)).toBe(code);
  });
});

test('a name that a shell would obey is not offered to it', async () => {
  const members = ['cp1', '[fd00::1]:2379', '$(reboot)', 'a b', '`x`', 'cp-2.example'];
  const status = { members: members.map((name) => memberNamed(name)) } as unknown as Status;
  const client = { status: async () => status } as unknown as AdminClient;
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  expect(await printStatus(client, { output: 'table', names: true })).toBe(0);
  expect(log.mock.calls.flat()).toEqual(['cp1', '[fd00::1]:2379', 'cp-2.example']);
});
