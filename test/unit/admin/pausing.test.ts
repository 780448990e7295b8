/** What a pause and a resume answer, what they refuse, and what they record. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Pausing } from '../../../src/admin/pausing.ts';
import { LiveSettings } from '../../../src/config/live-settings.ts';
import { Cluster } from '../../../src/etcd/cluster.ts';
import { KnownCluster } from '../../../src/etcd/known-cluster.ts';
import type { MemberStatus } from '../../../src/etcd/status/member-status.ts';
import type { Member } from '../../../src/members/member.ts';
import { SavedPause } from '../../../src/members/saved-pause.ts';
import type { Event } from '../../../src/observe/events/event.ts';
import { Pause } from '../../../src/proxy/pause.ts';
import { Drainer } from '../../../src/proxy/sessions/drainer.ts';
import { Sessions } from '../../../src/proxy/sessions/sessions.ts';
import { someFacts } from '../../support/described-cluster.ts';
import { aMember } from '../../support/members.ts';

let members: Member[];
let cluster: Cluster;
let pause: Pause;
let pausing: Pausing;
let events: Event[];
/** What members say when they are asked by a resume; undefined: nothing. */
let answer: Partial<MemberStatus> | undefined;
let now: number;

beforeEach(async () => {
  [events, answer, now] = [[], {}, 0];
  members = ['a', 'b', 'c'].map((name) =>
    aMember(name, { health: { state: 'healthy', since: 0 } }),
  );
  const record = (event: Event): void => void events.push(event);
  const knownCluster = new KnownCluster(undefined, record);
  cluster = new Cluster({
    ...{ members: () => members, known: knownCluster, onChange: record },
    settings: new LiveSettings({ maxLag: 0 }),
    onEligibility: () => {},
  });
  const sessions = new Sessions();
  pause = new Pause(sessions, new Drainer(sessions));
  cluster.on('replaced', (is) => pause.setOtherCluster(is));
  pausing = new Pausing({
    settings: new LiveSettings({ drainTimeout: 100 }),
    dataPath: { pause, sessions, waiting: 4 },
    savedPause: new SavedPause(undefined),
    ...{ cluster, knownCluster, members: () => members, record },
    poller: { pollAll: async () => pollAll() },
  });
  pollAll();
  events = [];
});

function pollAll(): void {
  now += 10;
  for (const member of members) {
    member.checks = [{ ok: true, duration: 1, at: now, finishedAt: 0 }];
    const status = { ...someFacts, memberId: member.name, at: now, ...answer };
    cluster.observe(
      member,
      answer === undefined ? { kind: 'unknown', why: 'refused' } : { kind: 'known', status },
      now,
    );
  }
}

const told = (): string[] => events.map(({ kind }) => kind);

describe('a pause', () => {
  test('says that a restart forgets it, where that is so', async () => {
    expect(await pausing.pause(false)).toEqual({
      ...{ refuse: false, sessions: 0, timeout: 100 },
      warnings: [
        'A restart of etcd-lb forgets the pause, since there is no --state-dir to keep it in.',
      ],
    });
    expect([pause.mode, told()]).toEqual(['wait', ['paused']]);
  });

  test('changes what clients meet, and keeps since when', async () => {
    await pausing.pause(false);
    const since = pause.asked?.since;
    await pausing.pause(false);
    await pausing.pause(true);
    expect(pause.asked).toEqual({ refuse: true, since });
    expect(told()).toEqual(['paused', 'paused']);
  });

  test('of another process is followed, and so is its end', () => {
    pausing.follow({ refuse: true, since: '2026-11-26T15:00:00.000Z' });
    expect(pause.mode).toBe('refuse');
    pausing.follow(undefined);
    pausing.follow(undefined);
    expect([pause.mode, told()]).toEqual(['open', ['paused', 'resumed']]);
  });
});

describe('a resume', () => {
  test('serves who waited', async () => {
    await pausing.pause(false);
    expect(await pausing.resume(false)).toEqual({ waiting: 4, warnings: [] });
    expect(pause.mode).toBe('open');
  });

  test('of what is not paused is refused', async () => {
    await expect(pausing.resume(false)).rejects.toThrow('etcd-lb is not paused');
  });

  test('asks the members first which cluster they are of', async () => {
    await pausing.pause(false);
    answer = { clusterId: 'c2' };
    await expect(pausing.resume(false)).rejects.toThrow(
      'The cluster is another one: c2 in place of c1. If that is meant, as after a restore: etcd-lb resume --accept-cluster c2.',
    );
    expect(pause.mode).toBe('wait');
    expect(pause.asked).toBeDefined();
  });

  test.each([true, 'c2', 'C2', '0xc2'])('accepts another cluster by %s', async (accept) => {
    answer = { clusterId: 'c2', revision: 40 };
    expect(await pausing.resume(accept)).toEqual({
      ...{ waiting: 4, accepted: 'c2' },
      warnings: [
        'The revision of the cluster, 40, is below 50, which clients have seen: watches would miss events; restore with --bump-revision and --mark-compacted (etcdutl 3.6), or restart all that watches, such as kube-apiserver.',
      ],
    });
    expect([pause.mode, cluster.replaced]).toEqual(['open', undefined]);
  });

  test('warns of the known cluster that went back, once', async () => {
    await pausing.pause(false);
    answer = { revision: 40 };
    const { warnings } = await pausing.resume(true);
    expect(warnings).toEqual([expect.stringContaining('40, is below 50')]);
    await pausing.pause(false);
    expect((await pausing.resume(true)).warnings).toEqual([]);
  });

  test('accepts nothing that no member is of, and nothing while none answers', async () => {
    await pausing.pause(false);
    await expect(pausing.resume('c9')).rejects.toThrow(
      'No member that answers is of cluster c9: they are of c1.',
    );
    answer = undefined;
    await expect(pausing.resume(true)).rejects.toThrow('No member answers');
    expect(pause.mode).toBe('wait');
  });
});
