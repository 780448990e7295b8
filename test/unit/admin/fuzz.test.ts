/**
 * Whatever is asked of the admin API: JSON, with 200 or with 400, 404 or 409 and one line why not. The orders are
 * real, the members are not there. fast-check prints the seed of what fails.
 */

import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { adminApi } from '../../../src/admin/api.ts';
import { Operations } from '../../../src/admin/operations.ts';
import { Pausing } from '../../../src/admin/pausing.ts';
import { SlowStart } from '../../../src/balancing/slow-start.ts';
import { LiveSettings } from '../../../src/config/live-settings.ts';
import { loadSettings } from '../../../src/config/load.ts';
import { KnownCluster } from '../../../src/etcd/known-cluster.ts';
import { Monitor } from '../../../src/health/monitor.ts';
import type { LeaderGuard } from '../../../src/leader/guard.ts';
import { LeaderMover } from '../../../src/leader/move.ts';
import { Drains } from '../../../src/members/drains.ts';
import { Member } from '../../../src/members/member.ts';
import { SavedPause } from '../../../src/members/saved-pause.ts';
import type { Log } from '../../../src/observe/log/log.ts';
import type { Status } from '../../../src/observe/status.ts';
import { Pause } from '../../../src/proxy/pause.ts';
import { Drainer } from '../../../src/proxy/sessions/drainer.ts';
import { MemberDrains } from '../../../src/proxy/sessions/member-drains.ts';
import { Sessions } from '../../../src/proxy/sessions/sessions.ts';
import { someFacts, undescribed } from '../../support/described-cluster.ts';
import { lookup } from '../../support/lookup.ts';
import { checkSettings } from '../../support/members.ts';

const silentLog: Log = {
  level: 'info',
  write: () => {},
  session: () => {},
  lost: () => 0,
  onTrouble: () => {},
  close: async () => {},
};

let api: ReturnType<typeof adminApi>;
let parts: DisposableStack;
beforeEach(() => {
  parts = new DisposableStack();
  const { settings } = loadSettings({ flags: { endpoints: 'm0=http://a,m1=http://b' }, env: {} });
  const members = settings.endpoints.map((endpoint) => new Member(endpoint));
  const monitor = new Monitor({
    ...{ members, lookup, settings: checkSettings(), tls: () => ({}) },
    ...{ isSelf: () => false, hasStalled: () => false, isUnresponsive: () => false },
  });
  const cluster = undescribed(members);
  for (const [index, member] of members.entries()) {
    monitor.table.observe(member, { kind: 'check-passed' }, 0);
    const facts = { ...someFacts, memberId: index === 0 ? 'a' : 'b' };
    cluster.observe(member, { kind: 'known', status: facts }, 0);
  }
  const sessions = new Sessions();
  const drainer = new Drainer(sessions);
  const memberDrains = new MemberDrains(sessions, drainer);
  parts.defer(() => memberDrains.stop());
  const guard = { leader: undefined, beginMove: () => undefined, cancelMove: () => {} };
  const mover = new LeaderMover({
    guard: guard as unknown as LeaderGuard,
    sessions,
    clientOf: () => {
      throw new Error('m0 cannot be asked');
    },
  });
  const operations = new Operations({
    ...{ monitor, cluster, sessions, drainer, memberDrains, mover, drains: new Drains(undefined) },
    guard: guard as unknown as LeaderGuard,
    balance: () => new Map(),
    slowStart: new SlowStart(() => members, new LiveSettings({ slowStart: 0 })),
    log: silentLog,
    record: () => {},
    settings: new LiveSettings(settings),
    members: () => members,
  });
  const dataPath = { pause: new Pause(sessions, drainer), sessions, waiting: 0 };
  const pausing = new Pausing({
    ...{ dataPath, cluster, members: () => members, savedPause: new SavedPause(undefined) },
    settings: new LiveSettings(settings),
    knownCluster: new KnownCluster(undefined, () => {}),
    poller: { pollAll: async () => {} },
    record: () => {},
  });
  api = adminApi({
    ...{ operations, pausing, isStopping: () => false },
    status: () => ({ members: [] }) as unknown as Status,
    reload: async (force) =>
      force ? { kind: 'applied', changed: [], waiting: [] } : { kind: 'refused', why: 'No.' },
  });
});
afterEach(() => parts.dispose());

const text = fc.oneof(
  fc.constantFrom('m0', 'm1', 'm2', 'a', '0xb', 'http://a:2379', '1', '-1', '1e3', '', '.', '..'),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const segment = fc.oneof(
  text.map((each) => encodeURIComponent(each.toWellFormed())),
  fc.constantFrom('%', '%E0%A4%A', '%00', '%2f', '%2e%2e', '*', ':id', 'x'.repeat(5_000)),
);
const path = fc.oneof(
  { weight: 2, arbitrary: segment.map((id) => `/v1/members/${id}/drain`) },
  segment.map((id) => `/v1/members/${id}/undrain`),
  segment.map((id) => `/v1/sessions/${id}/close`),
  segment.map((query) => `/v1/sessions?member=${query}`),
  fc.constantFrom(
    '/v1/status',
    '/v1/leader/move',
    '/v1/rebalance',
    '/v1/pause',
    '/v1/resume',
    '/v1/reload',
    '/v1/log-level',
  ),
  fc.array(segment, { maxLength: 6 }).map((parts) => `/v1/${parts.join('/')}`),
);
const order = fc.record(
  {
    timeout: fc.oneof(fc.integer(), fc.double(), text),
    force: fc.oneof(fc.boolean(), text),
    keepLeader: fc.oneof(fc.boolean(), fc.constant(null)),
    to: fc.oneof(text, fc.integer()),
    level: fc.oneof(fc.constantFrom('debug', 'info'), text),
    ['__proto__']: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  fc.constantFrom('', '{}', '[]', 'null', '{', '['.repeat(100_000)),
  order.map((each) => JSON.stringify(each)),
  ...(['timeout', 'force', 'to', 'level'] as const).map((key) =>
    order.map((each) => JSON.stringify({ [key]: each[key] })),
  ),
  fc.json(),
  fc.string({ unit: 'binary' }),
);
const method = fc.oneof(
  { weight: 6, arbitrary: fc.constant('POST') },
  { weight: 2, arbitrary: fc.constant('GET') },
  fc.constantFrom('PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'ODD'),
);

test('any path, method and body', async () => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(path, method, body, async (where, how, what) => {
      const hasBody = how !== 'GET' && how !== 'HEAD';
      const response = await api.request(where, { method: how, ...(hasBody && { body: what }) });
      seen.add(response.status);
      expect([200, 400, 404, 409]).toContain(response.status);
      if (how === 'HEAD') return;
      const content = (await response.json()) as { error?: string };
      if (response.status !== 200) expect(content.error).toMatch(/^\P{Cc}+$/u);
    }),
    { numRuns: 3_000 },
  );
  expect([...seen].sort()).toEqual([200, 400, 404, 409]);
});
