/**
 * `etcd-lb run`: settings in, a running balancer out, until a signal ends it.
 *
 * The first SIGTERM or SIGINT drains; a second one ends the process at once. SIGHUP reloads.
 */
import { constants } from 'node:os';
import { Refusal } from '../config/error.ts';
import { type Loaded, type LoadInput, loadSettings } from '../config/load.ts';

/** Runs until it has stopped. Throws `ConfigError` with nothing started. */
export async function run(flags: LoadInput['flags'], version: string): Promise<void> {
  const load = (): Loaded => loadSettings({ flags, env: process.env });
  const loaded = load();
  const { settings, explain } = loaded;
  // Loaded by now only: a wrong setting is told without waiting for everything else.
  const { startApp } = await import('../app.ts');
  const { openLog } = await import('../observe/log.ts');
  const log = await openLog({ level: settings.logLevel, format: settings.logFormat });
  const signalled = firstSignal();
  try {
    const app = await startApp({ loaded, load, version, log });
    process.on('SIGHUP', () => void app.reload());
    await signalled;
    await app.stop();
  } catch (error) {
    throw error instanceof Refusal ? explain(error) : error;
  } finally {
    await log.close();
  }
}

/** Resolves at the first signal. From then on another one ends the process with code 128+n. */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (stopping) process.exit(128 + constants.signals[signal]);
        stopping = true;
        resolve();
      });
    }
  });
}
