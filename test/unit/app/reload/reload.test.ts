/** The reload by itself: real files, and settings in force that are looked at. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Reload, type ReloadOptions } from '../../../../src/app/reload/reload.ts';
import { loadSettings } from '../../../../src/config/load.ts';
import type { Settings } from '../../../../src/config/settings.ts';
import type { ReloadResult } from '../../../../src/observe/events/sentences/operators.ts';
import { folderWith } from '../../config/folder.ts';

const patience = { timeout: 20_000, interval: 20 };

let file: string;
let inForce: Settings;
/** Settings that were put in force, one after another. */
let applied: Settings[];
let results: ReloadResult[];
beforeEach(() => {
  file = join(folderWith({}), 'etcd-lb.yaml');
  applied = [];
  results = [];
  write({});
});

function write(lines: Readonly<Record<string, string>>): void {
  const all = { endpoints: 'm0=http://10.0.0.1:2379', listen: '127.0.0.1:0', ...lines };
  const text = Object.entries(all).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  writeFileSync(file, text.join(''));
}

/** A reload that starts with the file as it is. */
function started(parts: Partial<ReloadOptions> = {}): Reload {
  const load = () => loadSettings({ flags: { config: file }, env: {} });
  const first = load();
  inForce = first.settings;
  return new Reload({
    ...{ started: first, load },
    trial: async () => undefined,
    apply: (settings) => {
      applied.push(settings);
      inForce = settings;
    },
    onResult: (result) => results.push(result),
    ...parts,
  });
}

describe('applied', () => {
  test('is what has changed, by name, and once', async () => {
    const reload = started();
    write({ balance: 'random', 'max-connections': '5' });
    const changed = ['balance', 'max-connections'];
    expect(await reload.run()).toEqual({ kind: 'applied', changed, waiting: [] });
    expect(inForce).toMatchObject({ balance: 'random', maxConnections: 5 });
    expect(await reload.run()).toEqual({ kind: 'applied', changed: [], waiting: [] });
    expect(applied).toHaveLength(1);
    expect(results).toHaveLength(2);
  });

  test('is not what is read at the start only; it is named until it is taken back', async () => {
    const reload = started();
    write({ balance: 'random', keepalive: '20s' });
    const before = inForce.keepalive;
    expect(await reload.run()).toEqual({
      ...{ kind: 'applied', changed: ['balance'], waiting: ['keepalive'] },
    });
    expect(inForce.keepalive).toBe(before);
    write({ balance: 'random' });
    expect(await reload.run()).toEqual({ kind: 'applied', changed: [], waiting: [] });
  });
});

describe('refused', () => {
  test.each([
    ['a value that cannot be used', { balance: 'fastest' }, /balance/],
    ['a setting that there is not', { ballance: 'random' }, /ballance/],
    ['settings that do not fit each other', { tls: 'terminate' }, /tls/],
  ])('is %s, and nothing of it is applied', async (_, lines, why) => {
    const reload = started();
    const before = inForce;
    write({ 'max-connections': '5', ...lines });
    const result = await reload.run();
    expect(result).toMatchObject({ kind: 'refused', why: expect.stringMatching(why) });
    expect(applied).toEqual([]);
    expect(inForce).toBe(before);
    expect(results).toEqual([result]);
    write({ 'max-connections': '6' });
    expect(await reload.run()).toMatchObject({ kind: 'applied', changed: ['max-connections'] });
  });

  test('is what leaves nobody to serve, unless it is forced', async () => {
    const trials: Settings[] = [];
    const trial = async (settings: Settings) => {
      trials.push(settings);
      return 'No member could be used.';
    };
    const reload = started({ trial });
    write({ endpoints: 'm0=http://10.0.0.9:2379' });
    expect(await reload.run()).toEqual({ kind: 'refused', why: 'No member could be used.' });
    expect(applied).toEqual([]);
    expect(trials).toHaveLength(1);
    expect(await reload.run(true)).toMatchObject({ kind: 'applied', changed: ['endpoints'] });
    expect(applied).toEqual(trials); // what was tried, and it was not tried again
  });

  test('is a file that is gone', async () => {
    const reload = started();
    file = join(file, '..', 'none.yaml');
    expect(await reload.run()).toMatchObject({ kind: 'refused' });
    expect(applied).toEqual([]);
  });
});

test('what came of the last is kept, and when the settings in use were read', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000 });
  onTestFinished(() => void vi.useRealTimers());
  const reload = started();
  expect(reload.history).toEqual({ succeededAt: 1_000, last: undefined });
  vi.setSystemTime(2_000);
  write({ balance: 'fastest' });
  const refused = await reload.run();
  expect(reload.history).toEqual({ succeededAt: 1_000, last: { at: 2_000, result: refused } });
  vi.setSystemTime(3_000);
  write({ balance: 'random' });
  const result = await reload.run();
  expect(reload.history).toEqual({ succeededAt: 3_000, last: { at: 3_000, result } });
});

test('two at once follow each other, and the second sees what the first has done', async () => {
  const first = Promise.withResolvers<void>();
  const order: string[] = [];
  const reload = started({
    trial: async ({ balance }) => {
      order.push(`tried ${balance}`);
      if (balance === 'random') await first.promise;
      return undefined;
    },
    onResult: (result) => order.push(result.kind === 'applied' ? `applied ${result.changed}` : ''),
  });
  write({ balance: 'random' });
  const [one, two] = [reload.run(), reload.run()];
  await vi.waitUntil(() => order.length === 1, patience);
  write({ balance: 'round-robin' });
  first.resolve();
  await Promise.all([one, two]);
  expect(order).toEqual([
    ...['tried random', 'applied balance', 'tried round-robin', 'applied balance'],
  ]);
  expect(inForce.balance).toBe('round-robin');
});

describe('a file that is watched', () => {
  const stopping = { abort: () => {} };
  afterEach(() => stopping.abort());

  /** Resolves when the file has been looked at often enough to be known. */
  function watched(reload: Reload): Promise<void> {
    const controller = new AbortController();
    stopping.abort = () => controller.abort();
    return reload.watch(file, controller.signal);
  }

  test('is reloaded once for each content, and not where nothing has changed', async () => {
    const over = watched(started());
    await new Promise((resolve) => setTimeout(resolve, 4_500)); // known after two looks, 2 s apart
    expect(results).toEqual([]);
    write({ balance: 'random' });
    await vi.waitUntil(() => results.length === 1, patience);
    write({ balance: 'fastest' });
    await vi.waitUntil(() => results.length === 2, patience);
    expect(results.map(({ kind }) => kind)).toEqual(['applied', 'refused']);
    expect(inForce.balance).toBe('random');
    stopping.abort();
    await over;
  }, 60_000);

  test('is reloaded where it has changed since the start', async () => {
    const reload = started();
    write({ balance: 'random' });
    void watched(reload);
    await vi.waitUntil(() => results.length === 1, patience);
    expect(inForce.balance).toBe('random');
  }, 30_000);
});
