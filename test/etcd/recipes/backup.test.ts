/** The recipe that saves a snapshot, carried out as it stands on the page, while clients write and read. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Scene } from '../../support/recipe-scene.ts';
import { recipe } from '../../support/recipe-test.ts';

async function backUp(scene: Scene): Promise<void> {
  await scene.begin();
  const [first] = scene.members;
  if (first === undefined) throw new Error('no member');
  const file = join(scene.folder, 'etcd.db');
  await scene.carryOut('Backup', first, { values: { $SNAPSHOT: () => file } });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
}

recipe('Backup', '3.4', 'originate', backUp);
recipe('Backup', '3.5', 'passthrough', backUp);
