/** The recipes that upgrade etcd and take it back, carried out as they stand on the page. */
import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { findEtcd } from '../../../src/demo/etcd-binary.ts';
import type { LocalMember } from '../../../src/demo/local-member.ts';
import { retried } from '../../support/joining-member.ts';
import type { Scene } from '../../support/recipe-scene.ts';
import { recipe } from '../../support/recipe-test.ts';

recipe(['Upgrade etcd', 'Downgrade'], '3.4', 'originate', async (scene) => {
  const older = scene.etcd;
  const newer = await findEtcd({ release: 'next' });
  expect(newer.version).not.toBe(older.version);
  await scene.begin();
  const members = await scene.inOrder();
  const [first] = members;
  if (first === undefined) throw new Error('no member');
  await scene.ctl(first)('put', 'before', 'the upgrade');
  // The first one there and back, while the others still have the old release.
  await change(scene, 'Upgrade etcd', first, newer);
  await change(scene, 'Downgrade', first, older);
  for (const member of members) {
    await change(scene, 'Upgrade etcd', member, newer);
    expect(await scene.ctl(member)('get', 'before', '--print-value-only')).toBe('the upgrade\n');
  }
  await scene.nothingFailed('every member is upgraded');
  await retried(async () => {
    const { versions } = (await scene.operator.client.status()).cluster;
    if (versions.join() !== newer.version) throw new Error(`the members run ${versions}`);
  });
  await isRefused(scene, first, older);
});

async function change(
  scene: Scene,
  heading: string,
  member: LocalMember,
  { etcd, version }: Scene['etcd'],
): Promise<void> {
  const byHand = { 'systemctl start etcd': () => member.start(etcd) };
  await scene.carryOut(heading, member, { byHand });
  expect(await scene.ctl(member)('endpoint', 'status', '-w', 'simple')).toContain(`, ${version},`);
}

/** The old release does not start any more, as the page says. */
async function isRefused(
  { operator }: Scene,
  member: LocalMember,
  { etcd }: Scene['etcd'],
): Promise<void> {
  await operator.drain(member.name);
  await member.kill('SIGTERM');
  await member.start(etcd).catch(() => {}); // it may listen for a moment
  await retried(async () => {
    if (member.state.kind !== 'stopped') throw new Error('the old release runs');
  });
  const log = await readFile(member.logFile, 'utf8');
  expect(log.split('\n').findLast((line) => line.includes('fatal'))).toContain('invalid downgrade');
}
