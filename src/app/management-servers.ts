/**
 * Consoles: the two listeners an operator uses, one to look and one to act.
 *
 *   observe   TCP or Unix   status page, /status, /metrics, probes   read-only, for everyone
 *   admin     Unix          what the commands ask for                for whoever may open the socket
 *
 * Opens both or neither. Owns what they are given to show; what they do with it is observe/ and admin/.
 */
import { AdminListener } from '../admin/listener.ts';
import type { Operations } from '../admin/operations.ts';
import type { Settings } from '../config/settings.ts';
import type { CheckHistory } from '../observe/check-history.ts';
import type { Event } from '../observe/events/event.ts';
import type { EventLog } from '../observe/events/event-log.ts';
import type { ReloadResult } from '../observe/events/operator-events.ts';
import type { Metrics } from '../observe/metrics/metrics.ts';
import { ObserveListener } from '../observe/server/listener.ts';
import { type Status, type StatusSources, takeStatus } from '../observe/status.ts';
import type { Inherited } from '../systemd/inherited.ts';

export interface ManagementServersOptions {
  readonly settings: Settings;
  readonly inherited: Inherited;
  /** May another process with the same configuration run beside this one? */
  readonly isShared: boolean;
  readonly sources: StatusSources;
  readonly events: EventLog;
  readonly checks: CheckHistory;
  readonly metrics: Metrics;
  readonly orders: Operations;
  readonly reload: (force: boolean) => Promise<ReloadResult>;
  readonly record: (event: Event) => void;
}

export class ManagementServers {
  readonly #observe: ObserveListener;
  readonly #admin: AdminListener;

  /** Throws as `ObserveListener.open` and `AdminListener.open` do, with neither open. */
  static async open(options: ManagementServersOptions): Promise<ManagementServers> {
    const { settings, inherited, isShared, sources, events, record } = options;
    const { checks, metrics, orders, reload } = options;
    const status = (): Status => takeStatus(sources);
    const observe = await ObserveListener.open({
      address: settings.observe,
      inherited: inherited.observe,
      ...{ isShared, status, record },
      metrics: () => metrics.render(),
      names: settings.observeNames,
      onRefused: (reason) => metrics.managementRefused('observe', reason),
      news: { status: () => takeStatus({ ...sources, events: () => [] }), events, checks },
      page: async () => (await import('../page/from-source.ts')).pageFiles(),
    });
    try {
      const admin = await AdminListener.open({
        socket: settings.adminSocket,
        inherited: inherited.admin,
        ...{ isShared, record },
        api: {
          ...{ status, events, orders, reload, isStopping: sources.stopping },
          onRefused: (reason) => metrics.managementRefused('admin', reason),
        },
      });
      return new ManagementServers(observe, admin);
    } catch (error) {
      observe.close();
      throw error;
    }
  }

  private constructor(observe: ObserveListener, admin: AdminListener) {
    this.#observe = observe;
    this.#admin = admin;
  }

  /** `undefined` while there is no observe listener of ours, and for a Unix socket. */
  get observePort(): number | undefined {
    return this.#observe.port;
  }

  /** The process begins to drain; see `ObserveListener.yield`. */
  yield(): void {
    this.#observe.yield();
    this.#admin.yield();
  }

  close(): void {
    this.#observe.close();
    this.#admin.close();
  }
}
