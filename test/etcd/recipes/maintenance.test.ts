/** The recipes that defragment, and that raise and lift NOSPACE, carried out as they stand on the page. */
import { expect } from 'vitest';
import type { LocalMember } from '../../../src/demo/local-member.ts';
import { etcd3, withoutRetries } from '../../support/clients.ts';
import { deleteAndRead } from '../../support/load.ts';
import type { Scene } from '../../support/recipe-scene.ts';
import { recipe } from '../../support/recipe-test.ts';

recipe('Defragment', '3.4', 'originate', async (scene) => {
  await bloat(scene);
  await scene.begin();
  for (const member of await scene.inOrder()) {
    expect((await statusOf(scene, member)).dbSize).toBeGreaterThan(15_000_000);
    await scene.carryOut('Defragment', member);
    expect((await statusOf(scene, member)).dbSize).toBeLessThan(5_000_000);
  }
});

recipe(
  ['If the quota was reached', 'Defragment'],
  '3.5',
  'passthrough',
  async (scene) => {
    const { endpoints } = scene.cluster;
    const writer = etcd3(endpoints, scene.credentials, { faultHandling: withoutRetries });
    scene.parts.defer(() => writer.close());
    const fill = async (): Promise<void> => {
      for (;;) await writer.put('bulk').value(Buffer.alloc(500_000));
    };
    await expect(fill()).rejects.toThrow('database space exceeded');
    await scene.begin(deleteAndRead);
    const [first] = scene.members;
    if (first === undefined) throw new Error('no member');
    const $REVISION = async () => String((await statusOf(scene, first)).header.revision);
    await scene.carryOut('If the quota was reached', first, { values: { $REVISION } });
    for (const member of await scene.inOrder()) await scene.carryOut('Defragment', member);
    await expect(writer.put('bulk').value('').exec()).rejects.toThrow('database space exceeded');
    await expect(scene.ctl(first)('endpoint', 'health')).rejects.toThrow('NOSPACE');
    await scene.carryOut('If the quota was reached', first, { block: 1 });
    expect(await scene.ctl(first)('alarm', 'list')).toBe('');
    await writer.put('bulk').value('');
  },
  { flags: ['--quota-backend-bytes', String(4_000_000)] },
);

/** 20 MB that nobody needs any more, compacted away. */
async function bloat({ cluster, credentials }: Scene): Promise<void> {
  const writer = etcd3(cluster.endpoints, credentials);
  for (let round = 0; round < 40; round += 1) {
    await writer.put('bulk').value(Buffer.alloc(500_000, round));
  }
  const { header } = await writer.put('bulk').value('');
  await writer.kv.compact({ revision: header.revision, physical: true });
  writer.close();
}

interface DatabaseStatus {
  readonly Status: { readonly dbSize: number; readonly header: { readonly revision: number } };
}

async function statusOf(scene: Scene, member: LocalMember) {
  const text = await scene.ctl(member)('endpoint', 'status', '-w', 'json');
  const [first] = JSON.parse(text) as DatabaseStatus[];
  if (first === undefined) throw new Error(`no status: ${text}`);
  return first.Status;
}
