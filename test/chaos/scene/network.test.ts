import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { Network } from './network.ts';

const run = promisify(execFile);

test('two networks do not meet, even where both choose the same', async () => {
  using first = await Network.create();
  const third = Number(first.balancerAddress.split('.')[2]);
  const next = `10.214.${(third + 1) % 250}.0/24`;
  await run('ip', ['route', 'add', 'unreachable', next]);
  onTestFinished(async () => void (await run('ip', ['route', 'del', 'unreachable', next])));
  using second = await Network.create();
  expect(second.balancerAddress).toBe(`10.214.${(third + 2) % 250}.254`);
});
