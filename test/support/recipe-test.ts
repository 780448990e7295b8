/** A test that carries recipes of docs/recipes.md out, and holds them to what the page says they cost. */
import { expect, test } from 'vitest';
import { blocksUnder, costOf } from './recipe.ts';
import { type Mode, type Release, Scene, type SceneOptions } from './recipe-scene.ts';

/**
 * test/docs/recipes.test.ts compares its first three arguments with the table of the
 * page. Fails when a block of commands under one of the headings was left out.
 */
export function recipe(
  headings: string | readonly string[],
  release: Release,
  mode: Mode,
  act: (scene: Scene) => Promise<void>,
  options: SceneOptions = {},
): void {
  const all = [headings].flat();
  test(`${all.join(', ')}: etcd ${release}, ${mode}`, async () => {
    const costs = await Promise.all(all.map((each) => costOf(each, mode)));
    const mayFail = costs.reduce((sum, cost) => sum + cost, 0);
    await using scene = await Scene.create(release, options.begins ?? mode, mayFail, options);
    await act(scene);
    await scene.nothingFailed('the end');
    for (const heading of all) {
      const blocks = (await blocksUnder(heading)).map((_, index) => `${heading} ${index}`);
      expect([...scene.done]).toEqual(expect.arrayContaining(blocks));
    }
  }, 120_000);
}
