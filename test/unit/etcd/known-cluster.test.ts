/** Which cluster is the known one, when another one is in its place, and when it went back. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LiveSettings } from '../../../src/config/live-settings.ts';
import { Cluster } from '../../../src/etcd/cluster.ts';
import { KnownCluster, savedCluster } from '../../../src/etcd/known-cluster.ts';
import type { Ineligibility } from '../../../src/etcd/status/eligibility.ts';
import type { MemberStatus } from '../../../src/etcd/status/member-status.ts';
import type { TimedCheck } from '../../../src/health/state/check-result.ts';
import { type Health, unknownHealth } from '../../../src/health/state/health.ts';
import type { Member } from '../../../src/members/member.ts';
import { someFacts } from '../../support/described-cluster.ts';
import { aMember } from '../../support/members.ts';

const healthy: Health = { state: 'healthy', since: 0 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-known-'));
});
// Retried, since a save may be under way.
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** A balancer that runs: what its members say, and what follows. */
class Scene {
  readonly members = ['a', 'b', 'c'].map((name) => aMember(name, { health: healthy }));
  readonly events: string[] = [];
  readonly foreign = new Set<string>();
  readonly known: KnownCluster;
  readonly cluster: Cluster;
  isReplaced = false;
  /** The checks of whoever says something; unless set, it has just passed one. */
  checks: readonly TimedCheck[] | undefined;
  #now = 0;

  constructor(directory?: string) {
    const tell = ({ kind }: { readonly kind: string }): void => {
      if (/cluster|revision/.test(kind)) this.events.push(kind);
    };
    this.known = new KnownCluster(directory, tell);
    this.cluster = new Cluster({
      members: () => this.members,
      settings: new LiveSettings({ maxLag: 0 }),
      known: this.known,
      onEligibility: (member, why) => this.#judged(member, why),
      onChange: tell,
    });
    this.cluster.on('replaced', (is) => {
      this.isReplaced = is;
    });
  }

  /** Members, by name, say this. */
  says(names: string, status: Partial<MemberStatus>): void {
    for (const name of names) {
      this.#now += 10;
      this.#member(name).checks = this.checked;
      const own = { memberId: name, leaderId: 'a', at: this.#now, ...status };
      const result = { kind: 'known', status: { ...someFacts, ...own } } as const;
      this.cluster.observe(this.#member(name), result, this.#now);
    }
  }

  /** Members, by name, no longer answer. */
  stops(names: string): void {
    for (const name of names) {
      this.#member(name).health = unknownHealth(0);
      this.cluster.observe(this.#member(name), { kind: 'unknown', why: 'refused' }, this.#now);
    }
  }

  /** They answer again, with this. */
  comesBack(names: string, status: Partial<MemberStatus>): void {
    for (const name of names) this.#member(name).health = healthy;
    this.says(names, status);
  }

  private get checked(): readonly TimedCheck[] {
    return this.checks ?? [{ ok: true, duration: 1, at: this.#now, finishedAt: 0 }];
  }

  get now(): number {
    return this.#now;
  }

  #member(name: string): Member {
    const found = this.members.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${name} is no member`);
    return found;
  }

  #judged({ name }: Member, why: Ineligibility | undefined): void {
    if (why?.reason === 'other-cluster') this.foreign.add(name);
    else this.foreign.delete(name);
  }
}

describe('which cluster is the known one', () => {
  test('the first that most members belong to, one of them healthy', () => {
    const scene = new Scene();
    scene.says('c', { clusterId: 'foreign' });
    expect(scene.known.id).toBeUndefined();
    scene.says('ab', {});
    expect(scene.known.id).toBe('c1');
    expect([...scene.foreign]).toEqual(['c']);
    expect(scene.events).toEqual([]);
  });

  test('not one of which no member is healthy', () => {
    const scene = new Scene();
    for (const member of scene.members) member.health = unknownHealth(0);
    scene.says('abc', {});
    expect(scene.known.id).toBeUndefined();
    scene.comesBack('b', {});
    expect(scene.known.id).toBe('c1');
  });

  test('that of the run before, with its revision', async () => {
    const scene = new Scene(folder);
    scene.says('abc', { revision: 70 });
    await scene.known.save();
    expect(savedCluster(folder)).toEqual({ id: 'c1', revision: 70 });
    const next = new Scene(folder);
    next.says('abc', { clusterId: 'c2' });
    expect([next.known.id, next.isReplaced]).toEqual(['c1', true]);
  });

  test('none, and it is told, where the file is of something else', async () => {
    await writeFile(join(folder, 'cluster.json'), '{"version": 1, "id": 7}');
    const scene = new Scene(folder);
    expect([scene.known.id, scene.events]).toEqual([undefined, ['known-cluster-failing']]);
    expect(savedCluster(folder)).toBeUndefined();
  });

  test('it is told once that it cannot be saved, and goes on', async () => {
    const scene = new Scene(folder);
    await rm(folder, { recursive: true });
    scene.says('abc', {});
    await scene.known.save();
    await scene.known.save();
    expect([scene.known.id, scene.events]).toEqual(['c1', ['known-cluster-failing']]);
  });
});

describe('another cluster', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene(folder);
    scene.says('abc', { revision: 70 });
  });

  test('in place of the known one is one condition, and no member is foreign', () => {
    scene.stops('abc');
    scene.comesBack('ab', { clusterId: 'c2', revision: 80 });
    expect(scene.cluster.replaced).toEqual({ id: 'c2', was: 'c1' });
    scene.comesBack('c', { clusterId: 'c2', revision: 80 });
    expect([scene.isReplaced, [...scene.foreign]]).toEqual([true, []]);
    expect(scene.events).toEqual(['cluster-replaced']);
    expect(scene.cluster.accept()).toEqual({ id: 'c2', wentBack: undefined });
    expect([scene.isReplaced, scene.known.id]).toEqual([false, 'c2']);
    expect(scene.events).toEqual(['cluster-replaced', 'cluster-accepted']);
  });

  test('is foreign while a healthy member is of the known one', () => {
    scene.stops('ab');
    scene.comesBack('ab', { clusterId: 'c2' });
    expect([scene.isReplaced, [...scene.foreign]]).toEqual([false, ['a', 'b']]);
    scene.stops('c');
    expect([scene.isReplaced, [...scene.foreign]]).toEqual([true, ['c']]);
    scene.comesBack('c', {});
    expect([scene.isReplaced, [...scene.foreign]]).toEqual([false, ['a', 'b']]);
    expect(scene.events).toEqual(['cluster-replaced', 'cluster-returned']);
  });

  test('is foreign while most members may still be of the known one', () => {
    scene.stops('abc');
    scene.comesBack('a', { clusterId: 'c2' });
    expect([scene.isReplaced, [...scene.foreign]]).toEqual([false, ['a']]);
    // An operator may know better.
    expect(scene.cluster.accept('c2')).toMatchObject({ id: 'c2' });
    expect([scene.isReplaced, [...scene.foreign]]).toEqual([false, ['b', 'c']]);
  });

  test('is foreign after a restart in which the known one does not answer yet', async () => {
    await scene.known.save();
    const next = new Scene(folder);
    next.says('c', { clusterId: 'c2' });
    expect([next.isReplaced, [...next.foreign]]).toEqual([false, ['c']]);
  });

  test('is not accepted where no member is of it', () => {
    expect(scene.cluster.accept('c9')).toBeUndefined();
    expect(scene.cluster.accept()).toBeUndefined();
    expect(scene.known.id).toBe('c1');
  });

  test('is accepted where another process with the same directory was told to', async () => {
    await scene.known.save();
    const other = new Scene(folder);
    for (const each of [scene, other]) {
      each.stops('abc');
      each.comesBack('abc', { clusterId: 'c2' });
    }
    scene.cluster.accept();
    await scene.known.save();
    other.says('a', { clusterId: 'c2' });
    expect([other.isReplaced, other.known.id]).toEqual([false, 'c2']);
  });

  test('that is behind what clients have seen is told as such', async () => {
    scene.stops('abc');
    scene.comesBack('abc', { clusterId: 'c2', revision: 60 });
    const wentBack = { revision: 60, seen: 70 };
    expect(scene.cluster.accept('c2', scene.now)).toEqual({ id: 'c2', wentBack });
    await scene.known.save();
    expect(JSON.parse(await readFile(join(folder, 'cluster.json'), 'utf8'))).toMatchObject({
      ...{ id: 'c2', revision: 60 },
    });
  });
});

describe('the known cluster went back', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
    scene.says('abc', { revision: 70 });
  });

  test('when its leader has applied everything, and is behind; once', () => {
    scene.stops('abc');
    scene.comesBack('abc', { revision: 60 });
    scene.says('abc', { revision: 61 });
    expect(scene.known.wentBack).toEqual({ revision: 60, seen: 70 });
    expect(scene.events).toEqual(['revision-went-back']);
    scene.known.forgive();
    expect(scene.known.wentBack).toBeUndefined();
  });

  test('once, whatever those say that were asked before', () => {
    scene.says('a', { revision: 60 });
    scene.says('a', { revision: 61 });
    scene.says('a', { revision: 62 });
    expect(scene.events).toEqual(['revision-went-back']);
  });

  test('not when a follower lags, or a leader has not applied everything yet', () => {
    scene.says('bc', { revision: 40 });
    scene.says('a', { revision: 60, appliedIndex: 90 });
    expect(scene.events).toEqual([]);
  });

  test.each([
    ['failed', { ok: false, failure: { reason: 'timeout', detail: '' } }, 40],
    ['began before the revision was seen', { ok: true }, 20],
    ['ended after it was asked', { ok: true }, 50],
  ] as const)('not when its last check %s', (_, result, at) => {
    scene.checks = [{ ...result, duration: 1, at, finishedAt: 0 }];
    scene.says('a', { revision: 60 });
    expect(scene.events).toEqual([]);
  });
});
