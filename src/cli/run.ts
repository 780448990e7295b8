/**
 * `etcd-lb run`: reads the settings and runs the balancer until a signal ends it.
 *
 * The first SIGTERM or SIGINT drains; a second one ends the process at once. SIGHUP reloads. A service
 * manager with a notify socket is told the state.
 */
import { constants } from 'node:os';
import { type Flags, type Loaded, loadSettings } from '../config/load.ts';
import { handOver } from '../lib/unexpected.ts';
import type { ServiceNotifications } from '../observe/notifications.ts';
import { takeInherited } from '../systemd/inherited.ts';

/** Runs until it has stopped. Throws `ConfigError` before anything is started. */
export async function run(flags: Flags, version: string): Promise<void> {
  const load = (): Loaded => loadSettings({ flags, env: process.env });
  const loaded = load();
  const { settings, explain } = loaded;
  const inherited = takeInherited(process.env, process.pid);
  // Loaded only now: a wrong setting is reported without waiting for the rest of the program.
  const { App } = await import('../app/app.ts');
  const { EventLog } = await import('../observe/events/event-log.ts');
  const { openLog } = await import('../observe/log/log.ts');
  const log = await openLog({ level: settings.logLevel, format: settings.logFormat });
  const events = new EventLog();
  const service = await openService();
  service?.listenTo(events);
  const signalled = firstSignal();
  let isStuck = false;
  try {
    const app = await App.start({ loaded, load, version, log, events, inherited });
    // From here on clients are served, and no error ends that: src/lib/unexpected.ts.
    app.surviveErrors();
    service?.ready(() => app.status());
    process.on('SIGHUP', () => {
      service?.reloading();
      void app.reload().finally(() => service?.ready(() => app.status()));
    });
    await signalled;
    await app.stop().catch((error: unknown) => {
      handOver(error); // reported as any other; what is left open must not keep the process alive
      isStuck = true;
    });
  } catch (error) {
    throw explain(error);
  } finally {
    await service?.[Symbol.asyncDispose]();
    await log.close();
    if (isStuck) process.exit(1);
  }
}

/** `undefined`, with nothing loaded, where no service manager listens. */
async function openService(): Promise<ServiceNotifications | undefined> {
  if (process.env['NOTIFY_SOCKET'] === undefined) return undefined;
  const { ServiceNotifications } = await import('../observe/notifications.ts');
  return ServiceNotifications.open(process.env, process.pid);
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
