/** The recipes that start, grow, shrink and repair a cluster, carried out as they stand on the page. */
import { expect } from 'vitest';
import type { LocalMember, Member } from '../../../src/demo/local-member.ts';
import { etcdLb } from '../../support/balancer.ts';
import { retried } from '../../support/joining-member.ts';
import type { Scene } from '../../support/recipe-scene.ts';
import { recipe } from '../../support/recipe-test.ts';

recipe(
  ['Start with one member', 'Add a member', 'Odd sizes', 'Remove a member'],
  '3.5',
  'passthrough',
  async (scene) => {
    const [first] = scene.members;
    if (first === undefined) throw new Error('no member');
    await first.kill();
    await scene.configure();
    await scene.carryOut('Start with one member', first, {
      byHand: { 'systemctl start etcd-lb': () => scene.startBalancer() },
    });
    await scene.load();
    await add(scene, 'm1');
    await scene.carryOut('Odd sizes', first);
    await add(scene, 'm2');
    expect(await sizeSaidBy(scene)).not.toContain('an even number');
    await add(scene, 'm3');
    await add(scene, 'm4');
    // The one that was there first goes as well, so that what is left are members that were discovered.
    const [one, two] = (await scene.inOrder()).toReversed();
    for (const member of [one, two]) await remove(scene, member ?? first);
    expect((await scene.operator.client.status()).cluster.voters).toHaveLength(3);
  },
  {
    size: 1,
    // Without etcd's five seconds between two changes of the membership.
    flags: ['--strict-reconfig-check=false'],
    settings: 'discovery: members\ninspect-interval: 500ms\n',
  },
);

recipe('Replace a member', '3.4', 'originate', async (scene) => {
  await scene.begin();
  const leader = (await scene.inOrder()).at(-1);
  if (leader === undefined) throw new Error('no leader');
  await isUsed(scene, await scene.withNewPlace('Replace a member', leader, {}));
});

recipe('Replace a failed member', '3.5', 'originate', async (scene) => {
  const [follower] = await followers(scene);
  await follower.kill();
  await scene.configure();
  await scene.startBalancer();
  await scene.load();
  await isUsed(scene, await scene.withNewPlace('Replace a failed member', follower, {}));
});

recipe('Change the address of a member', '3.4', 'passthrough', async (scene) => {
  await scene.begin();
  const [follower] = await followers(scene);
  const heading = 'Change the address of a member';
  await isUsed(scene, await scene.withNewPlace(heading, follower, { keepsData: true }));
});

async function add(scene: Scene, name: string): Promise<void> {
  const [first] = scene.members;
  if (first === undefined) throw new Error('no member');
  const voters = scene.members.length + 1;
  const asked = scene.members.map(({ clientUrl }) => clientUrl).join();
  await scene.withNewPlace('Add a member', first, {
    joins: name,
    names: { cp2: name, '2 of 2 voters': `${voters} of ${voters} voters` },
    values: { $MEMBERS: () => asked },
  });
}

async function remove(scene: Scene, member: LocalMember): Promise<void> {
  const before = scene.members.length;
  const names = before === 5 ? {} : fewer;
  await scene.carryOut('Remove a member', member, { names: { cp1: member.name, ...names } });
  scene.members = scene.members.filter((each) => each !== member);
}

/** What is quoted of a cluster of five, in the words of one of four. */
const fewer = {
  '5 of 5 voters healthy, quorum 3, 2 may fail': '4 of 4 voters healthy, quorum 3, 1 may fail',
  '4 of 4 voters healthy, quorum 3, 1 may fail': '3 of 3 voters healthy, quorum 2, 1 may fail',
};

async function sizeSaidBy({ configFile }: Scene): Promise<string> {
  return (await etcdLb(['check', '--config', configFile])).stdout;
}

/** Those that do not lead, before the balancer is there to say so. */
async function followers({ cluster }: Scene): Promise<[LocalMember, ...LocalMember[]]> {
  const leader = await cluster.leader();
  const [first, ...others] = cluster.members.filter((member) => member !== leader);
  if (first === undefined) throw new Error('no follower');
  return [first, ...others];
}

/** The balancer has it at its new place, and clients get there. */
async function isUsed(scene: Scene, { name, clientUrl }: Member): Promise<void> {
  const expected = { endpoint: clientUrl, state: 'healthy', acceptsNew: true };
  expect(await scene.operator.member(name)).toMatchObject(expected);
  await retried(async () => {
    const { sessions } = await scene.operator.member(name);
    if (sessions < 1) throw new Error('it has not got its share');
  });
}
