/** What follows when members come, go, fail and are drained: real rooms without sockets. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemberLifecycle } from '../../../../src/app/members/lifecycle.ts';
import { Membership } from '../../../../src/app/members/membership.ts';
import { SlowStart } from '../../../../src/balancing/slow-start.ts';
import { LiveSettings } from '../../../../src/config/live-settings.ts';
import { loadSettings } from '../../../../src/config/load.ts';
import type { Settings } from '../../../../src/config/settings.ts';
import { KnownCluster } from '../../../../src/etcd/known-cluster.ts';
import { StatusPoller } from '../../../../src/etcd/status-poller.ts';
import { Monitor } from '../../../../src/health/monitor.ts';
import type { Observation } from '../../../../src/health/state/health.ts';
import { Drains } from '../../../../src/members/drains.ts';
import type { Member } from '../../../../src/members/member.ts';
import type { Metrics } from '../../../../src/observe/metrics/metrics.ts';
import { Drainer } from '../../../../src/proxy/sessions/drainer.ts';
import { MemberDrains } from '../../../../src/proxy/sessions/member-drains.ts';
import { lookup } from '../../../support/lookup.ts';
import { note } from '../../../support/members.ts';
import { FakeSessions, stateOf } from '../../proxy/fake-session.ts';

const failure = { reason: 'timeout', detail: 'timed out after 1000 ms' } as const;
const pass: Observation = { kind: 'check-passed' };

/** A balancer of these endpoints, but for what opens sockets. The clock stands still. */
class House {
  readonly told: string[] = [];
  /** Names whose figures are not kept any more. */
  readonly unmeasured: string[] = [];
  readonly sessions = new FakeSessions();
  readonly settings: LiveSettings;
  readonly membership: Membership;
  readonly monitor: Monitor;
  readonly drains: Drains;
  readonly lifecycle: MemberLifecycle;
  readonly memberDrains: MemberDrains;

  constructor(endpoints: string, stateDir?: string) {
    const settings = new LiveSettings(settingsOf(endpoints));
    const { told, unmeasured, sessions } = this;
    const record = ({ kind }: { readonly kind: string }): void => void told.push(kind);
    this.settings = settings;
    this.drains = new Drains(stateDir);
    this.drains.load();
    this.membership = new Membership({
      settings,
      tls: () => ({}),
      known: new KnownCluster(undefined, () => {}),
      record,
    })
      .on('join', (member) => this.lifecycle.joined(member))
      .on('revise', (revised) => this.lifecycle.revised(revised))
      .on('leave', (member) => this.lifecycle.left(member));
    const members = (): readonly Member[] => this.membership.members;
    this.monitor = new Monitor({
      ...{ members: members(), settings, lookup, tls: () => ({}) },
      ...{ isSelf: () => false, hasStalled: () => false, isUnresponsive: () => false },
    }).on('change', (change) => this.lifecycle.changed(change));
    this.memberDrains = new MemberDrains(sessions, new Drainer(sessions));
    this.memberDrains.on('drained', (member, drained) => this.lifecycle.drained(member, drained));
    this.lifecycle = new MemberLifecycle({
      ...{ settings, membership: this.membership, monitor: this.monitor, record },
      poller: new StatusPoller({
        ...{ members, settings, isSettled: () => true, onResult: () => {} },
        open: () => {
          throw new Error('nobody is asked');
        },
      }),
      slowStart: new SlowStart(members, settings),
      ...{ drains: this.drains, memberDrains: this.memberDrains },
      metrics: { left: (name: string) => unmeasured.push(name) } as unknown as Metrics,
    });
    for (const member of members()) this.lifecycle.applyDrain(member);
  }

  member(name: string): Member {
    const found = this.membership.members.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no member ${name}`);
    return found;
  }

  get routable(): string[] {
    return this.monitor.table.snapshot.routable.map(({ name }) => name);
  }

  reload(endpoints: string): void {
    this.settings.replace(settingsOf(endpoints));
    this.membership.configure();
  }

  see(name: string, observation: Observation, now = 0): void {
    this.monitor.table.observe(this.member(name), observation, now);
  }

  /** Two checks of it fail, and the others pass before and after that. */
  fail(name: string, now: number): void {
    const fails: Observation = { kind: 'check-failed', failure, conclusive: true, startedAt: now };
    const others = this.membership.members.filter((each) => each.name !== name);
    this.see(name, fails, now);
    for (const at of [now + 10, now + 500])
      for (const each of others) this.see(each.name, pass, at);
  }
}

function settingsOf(endpoints: string): Settings {
  const flags = {
    ...{ endpoints, 'slow-start': '10s', 'drain-timeout': '5s', 'check-rise': '2' },
  };
  return loadSettings({ flags, env: {} }).settings;
}

const at = (name: string, host: number): string => `${name}=http://10.0.0.${host}:2379`;
const two = [at('m0', 1), at('m1', 2)].join();

let house: House;
beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  house = new House(two);
  for (const name of ['m0', 'm1']) house.see(name, pass);
});
afterEach(() => {
  house.memberDrains.stop();
  vi.useRealTimers();
});

describe('a member that joins', () => {
  test('gets nothing before it has passed, and starts slowly then', () => {
    house.told.length = 0;
    house.reload(`${two},${at('m2', 3)}`);
    expect(house.told).toEqual(['member-joined']);
    expect(house.routable).toEqual(['m0', 'm1']);
    house.see('m2', pass);
    expect(house.routable).toEqual(['m0', 'm1', 'm2']);
    expect(house.member('m2').weight).toBe(0.1);
  });

  test('those of the start do not start slowly', () => {
    expect(house.member('m0').weight).toBe(1);
  });
});

describe('a member that leaves', () => {
  test('says so, gets nothing more, and is measured until its last session has ended', async () => {
    const m1 = house.member('m1');
    const session = house.sessions.start(m1);
    house.told.length = 0;
    house.reload(at('m0', 1));
    expect(m1.gone.aborted).toBe(true);
    expect(house.told).toEqual(['member-left']);
    expect(house.routable).toEqual(['m0']);
    expect(house.memberDrains.leaving).toEqual([m1]);
    expect(house.unmeasured).toEqual([]);
    await vi.advanceTimersByTimeAsync(5_100);
    expect(stateOf(session)).toBe('closed removed');
    expect(house.told).toEqual(['member-left']); // it was quiet: none was cut
    expect(house.unmeasured).toEqual(['m1']);
  });

  test('what is still heard of it is passed over', () => {
    const m1 = house.member('m1');
    house.reload(at('m0', 1));
    house.told.length = 0;
    house.monitor.dialFailed(m1, failure);
    house.monitor.unresponsive(m1);
    expect(house.told).toEqual([]);
  });

  test('has no time for its sessions where it had failed', () => {
    const session = house.sessions.start(house.member('m1'));
    house.see('m1', { kind: 'check-failed', failure, conclusive: true, startedAt: 1 }, 1);
    expect(stateOf(session)).toBe('open');
    house.reload(at('m0', 1));
    expect(stateOf(session)).toBe('closed removed');
    expect(house.unmeasured).toEqual(['m1']);
  });

  test('and is replaced by another of its name leaves that the figures', () => {
    house.reload([at('m0', 1), at('m1', 9)].join());
    expect(house.told.slice(-2)).toEqual(['member-joined', 'member-left']);
    expect(house.unmeasured).toEqual([]);
  });
});

describe('a member that is renamed', () => {
  test('stays what it is, with its drain; the figures of the old name go', async () => {
    const m1 = house.member('m1');
    await house.drains.add(m1);
    house.lifecycle.applyDrain(m1);
    house.told.length = 0;
    house.reload([at('m0', 1), at('etcd-1', 2)].join());
    expect(house.told).toEqual(['member-renamed']);
    expect(house.member('etcd-1')).toBe(m1);
    expect(m1).toMatchObject({ isDrained: true, health: { state: 'healthy' } });
    expect(house.drains.of(m1)?.name).toBe('etcd-1');
    expect(house.unmeasured).toEqual(['m1']);
  });

  test('two that change names keep their drains and their figures', async () => {
    const [m0, m1] = [house.member('m0'), house.member('m1')];
    await house.drains.add(m1);
    house.lifecycle.applyDrain(m1);
    house.reload([at('m1', 1), at('m0', 2)].join());
    expect([m0, m1]).toMatchObject([
      { name: 'm1', isDrained: false },
      { name: 'm0', isDrained: true },
    ]);
    expect(house.unmeasured).toEqual([]);
  });
});

describe('a member that fails', () => {
  test('loses its sessions, and starts slowly when it is back', () => {
    const m1 = house.member('m1');
    const session = house.sessions.start(m1);
    house.told.length = 0;
    house.fail('m1', 1_000);
    expect(house.told).toEqual(['member-changed', 'sessions-evicted']);
    expect(stateOf(session)).toBe('closed evicted');
    expect([house.routable, m1.weight]).toEqual([['m0'], 1]);
    for (const now of [2_000, 2_250]) house.see('m1', pass, now);
    expect([house.routable, m1.weight]).toEqual([['m0', 'm1'], 0.1]);
  });

  test('keeps those that were opened after its check was refused', () => {
    const m1 = house.member('m1');
    const early = house.sessions.start(m1);
    const refusal = { reason: 'refused', detail: 'connection refused' } as const;
    vi.advanceTimersByTime(10);
    note(m1, { ok: false, duration: 1, failure: refusal, at: 1 });
    vi.advanceTimersByTime(10);
    const late = house.sessions.start(m1);
    house.fail('m1', 1_000);
    expect([early, late].map(stateOf)).toEqual(['closed evicted', 'open']);
  });
});

describe('a drained member', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'etcd-lb-lifecycle-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('stays so over a restart, and when it leaves and comes back', async () => {
    const first = new House(two, folder);
    await first.drains.add(first.member('m1'));
    house = new House(two, folder);
    for (const name of ['m0', 'm1']) house.see(name, pass);
    expect(house.member('m1').isDrained).toBe(true);
    expect(house.routable).toEqual(['m0']);
    house.reload(at('m0', 1));
    house.reload(two);
    house.see('m1', pass);
    expect(house.member('m1').isDrained).toBe(true);
    expect(house.routable).toEqual(['m0']);
  });

  test('is told of when its last session has ended, and stays a member', async () => {
    const m1 = house.member('m1');
    const session = house.sessions.start(m1);
    house.memberDrains.drain(m1, 1_000, 'drained');
    session.close('drained');
    await vi.advanceTimersByTimeAsync(200);
    expect(house.told.at(-1)).toBe('drain-ended');
    expect(house.unmeasured).toEqual([]);
  });
});
