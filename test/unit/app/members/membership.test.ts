/** What members are made of, and who is one, as the settings and the cluster say. */

import { beforeEach, describe, expect, test } from 'vitest';
import { Membership } from '../../../../src/app/members/membership.ts';
import { LiveSettings } from '../../../../src/config/live-settings.ts';
import { loadSettings } from '../../../../src/config/load.ts';
import type { Settings } from '../../../../src/config/settings.ts';
import { KnownCluster } from '../../../../src/etcd/known-cluster.ts';
import type { Member } from '../../../../src/members/member.ts';
import { someFacts } from '../../../support/described-cluster.ts';

const load = (flags: Record<string, string>): Settings => loadSettings({ flags, env: {} }).settings;

let told: string[];
let settings: LiveSettings;
let membership: Membership;

function begin(flags: Record<string, string>): void {
  told = [];
  settings = new LiveSettings(load(flags));
  membership = new Membership({
    settings,
    tls: () => ({}),
    known: new KnownCluster(undefined, () => {}),
    record: () => {},
  })
    .on('join', ({ name }) => told.push(`+${name}`))
    .on('revise', (revised) =>
      told.push(...revised.map(({ member, before }) => `${before}=${member.name}`)),
    )
    .on('leave', ({ name }) => told.push(`-${name}`));
}

/** A reload; who is checked in another way then. */
function reload(flags: Record<string, string>): string[] {
  settings.replace(load(flags));
  return membership.configure().map(({ name }) => name);
}

const member = (name: string): Member => {
  const found = membership.members.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no member ${name}`);
  return found;
};

const two = 'm0=http://10.0.0.1:2379,m1=http://10.0.0.2:2379';

describe('of the settings alone', () => {
  beforeEach(() => begin({ endpoints: two, weight: 'm1=4', priority: 'm1=2' }));

  test('a member has what they say of it, and nobody is told of the first', () => {
    expect(membership.members).toMatchObject([
      { name: 'm0', share: 1, weight: 1, priority: 0, checkUrl: 'http://10.0.0.1:2379' },
      { name: 'm1', share: 4, weight: 4, priority: 2, checksClientPort: true },
    ]);
    expect(told).toEqual([]);
  });

  test('a reload keeps who stays, with all that is known of it', () => {
    const [m0] = membership.members;
    expect(reload({ endpoints: 'm0=http://10.0.0.1:2379,m2=http://10.0.0.3:2379' })).toEqual([]);
    expect(told).toEqual(['+m2', '-m1']);
    expect(member('m0')).toBe(m0);
  });

  test('a member that is called otherwise stays the same', () => {
    const [, m1] = membership.members;
    reload({
      endpoints: 'm0=http://10.0.0.1:2379,etcd-1=http://10.0.0.2:2379',
      weight: 'etcd-1=2',
    });
    expect(told).toEqual(['m1=etcd-1']);
    expect(member('etcd-1')).toBe(m1);
    expect(m1).toMatchObject({ share: 2, weight: 2, priority: 0 });
  });

  test('one that starts slowly goes on to under another weight', () => {
    const m1 = member('m1');
    m1.weight = 1; // a quarter of its share
    reload({ endpoints: two, weight: 'm1=8' });
    expect(m1).toMatchObject({ share: 8, weight: 2 });
  });

  test('those that are checked in another way are named', () => {
    expect(reload({ endpoints: two, 'check-url': 'http://{host}:2381' })).toEqual(['m0', 'm1']);
    expect(member('m0')).toMatchObject({
      checkUrl: 'http://10.0.0.1:2381',
      checksClientPort: false,
    });
    expect(reload({ endpoints: two, 'check-url': 'http://{host}:2381' })).toEqual([]);
  });

  test('other settings can be looked at without being put in force', () => {
    const planned = membership.under(load({ endpoints: 'm9=http://10.0.0.9:2379' }));
    expect(planned.map(({ endpoint }) => endpoint)).toEqual(['http://10.0.0.9:2379']);
    expect(membership.members.map(({ name }) => name)).toEqual(['m0', 'm1']);
    expect(told).toEqual([]);
  });
});

describe('of the cluster', () => {
  const listed = ['a', 'b', 'c'].map((id) => ({
    ...{ id, name: `etcd-${id}`, isLearner: id === 'c' },
    clientUrls: [`http://10.0.0.${id === 'a' ? 1 : id === 'b' ? 2 : 3}:2379`],
  }));

  beforeEach(() => {
    begin({ endpoints: 'http://10.0.0.1:2379', discovery: 'members' });
    const [seed] = membership.members;
    if (seed !== undefined) seed.status = { ...someFacts, memberId: 'a', members: listed };
  });

  test('its members join once one that is healthy lists them, and the seed stays', () => {
    const [seed] = membership.members;
    membership.consider();
    expect(told).toEqual([]);
    if (seed !== undefined) seed.health = { state: 'healthy', since: 0 };
    membership.consider();
    expect(told).toEqual(['+etcd-b', '+etcd-c']);
    expect(membership.members[0]).toBe(seed);
    expect(member('etcd-c').place.isLearner).toBe(true);
  });

  test('nothing follows from one that does not answer at this moment', () => {
    const [seed] = membership.members;
    Object.assign(seed ?? {}, { health: { state: 'healthy', since: 0 }, statusError: 'timed out' });
    membership.consider();
    expect(told).toEqual([]);
  });
});
