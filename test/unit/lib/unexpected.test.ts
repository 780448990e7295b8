/** Errors that nobody handles, in a process of their own; and loops that go on after one. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Reload, type ReloadOptions } from '../../../src/app/reload/reload.ts';
import { type Loaded, loadSettings } from '../../../src/config/load.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { watchFiles } from '../../../src/lib/files/file-watch.ts';
import { startTicker } from '../../../src/lib/time/ticker.ts';
import { TimerQueue } from '../../../src/lib/time/timer-queue.ts';
import type { ReloadResult } from '../../../src/observe/events/sentences/operators.ts';
import { folderWith } from '../config/folder.ts';

const run = promisify(execFile);
const module = join(import.meta.dirname, '../../../src/lib/unexpected.ts');

const load = (level: string): Loaded =>
  loadSettings({ flags: { endpoints: '10.0.0.1', 'log-level': level }, env: {} });

/** A reload from log level info to debug, made with these parts. */
function reloadThat(parts: Partial<ReloadOptions>) {
  const results: ReloadResult[] = [];
  const reload = new Reload({
    started: load('info'),
    load: () => load('debug'),
    trial: async () => undefined,
    apply: () => {},
    onResult: (result) => results.push(result),
    ...parts,
  });
  return { reload, results };
}

/** What a process prints that survives errors and runs `code`. */
async function surviving(code: string): Promise<unknown> {
  const script = `
    import { attempt, handOver, surviveErrors } from ${JSON.stringify(module)};
    const told = [];
    let count = 0;
    surviveErrors(() => { count += 1; }, (error) => told.push(error.message));
    const print = () => setTimeout(() => console.log(JSON.stringify({ count, told })), 20);
    ${code}`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe('the process goes on, and tells, after', () => {
  test.each([
    ['an error in a timer', "setTimeout(() => { throw new Error('oh'); }, 0);"],
    ['a rejection that nobody handles', "Promise.reject(new Error('oh'));"],
    ['one that is handed over', "handOver(new Error('oh'));"],
    ['one of what was attempted', "attempt(() => { throw new Error('oh'); });"],
    ['what is no error', "handOver('oh');"],
  ])('%s', async (_, code) => {
    expect(await surviving(`${code} print();`)).toEqual({ count: 1, told: ['oh'] });
  });
});

test('an error that comes again is counted, and told once', async () => {
  const code = `
    const throws = (words) => setTimeout(() => { throw new Error(words); }, 0);
    for (let time = 0; time < 3; time += 1) throws('oh');
    throws('ah');
    print();`;
  expect(await surviving(code)).toEqual({ count: 4, told: ['oh', 'ah'] });
});

test('an error of whoever is told does not end it either', async () => {
  const script = `
    import { surviveErrors } from ${JSON.stringify(module)};
    surviveErrors(() => {}, () => { throw new Error('cannot tell'); });
    setTimeout(() => { throw new Error('oh'); }, 0);
    setTimeout(() => console.log('here'), 20);`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script]);
  expect(stdout).toBe('here\n');
  expect(stderr).toMatch(/Error: oh[\s\S]*Error: cannot tell/);
});

describe('what goes on after an error', () => {
  /** What was handed over: thrown later, by what Node would call then. */
  const handedOver: string[] = [];
  beforeEach(() => {
    handedOver.length = 0;
    vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
      try {
        task();
      } catch (error) {
        handedOver.push((error as Error).message);
      }
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  const fails = (): never => {
    throw new Error('oh');
  };

  test('the pulse', () => {
    const stop = new AbortController();
    let beats = 0;
    const onBeat = (): number => {
      beats += 1;
      return beats === 1 ? fails() : 1_000;
    };
    startTicker(onBeat, stop.signal);
    vi.advanceTimersByTime(1_000);
    expect({ beats, handedOver }).toEqual({ beats: 2, handedOver: ['oh'] });
    stop.abort();
  });

  test('the timer of all waits', () => {
    const alarms = new TimerQueue();
    let rung = 0;
    alarms.set(10, fails);
    alarms.set(10, () => {
      rung += 1;
    });
    alarms.set(20, () => {
      rung += 1;
    });
    vi.advanceTimersByTime(30);
    expect({ rung, handedOver }).toEqual({ rung: 2, handedOver: ['oh'] });
  });

  test('the watch of files', async () => {
    vi.useRealTimers(); // Node's own, which are promises, take the time that they take
    const stop = new AbortController();
    let looks = 0;
    const onRest = (): void => {
      looks += 1;
      if (looks === 2) stop.abort();
      fails();
    };
    await watchFiles(() => [join(folderWith({ file: 'text' }), 'file')], onRest, stop.signal);
    expect({ looks, handedOver }).toEqual({ looks: 2, handedOver: ['oh', 'oh'] });
  });

  test('a reload, which is refused in one sentence', async () => {
    const broken = reloadThat({ load: fails });
    expect(await broken.reload.run()).toEqual({
      kind: 'refused',
      why: 'The settings could not be checked: oh.',
    });
    expect(broken.results).toHaveLength(1);
    expect(handedOver).toEqual(['oh']);
  });

  test('a reload that fails half-way, of which nothing stays', async () => {
    const applied: string[] = [];
    const broken = reloadThat({
      apply: ({ logLevel }: Settings) => {
        applied.push(logLevel);
        if (logLevel === 'debug') fails();
      },
    });
    expect(await broken.reload.run()).toMatchObject({ kind: 'refused' });
    expect(applied).toEqual(['debug', 'info']);
    expect(await broken.reload.run()).toMatchObject({ kind: 'refused' }); // still a change
  });
});
