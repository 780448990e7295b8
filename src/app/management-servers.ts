/**
 * The two listeners for operators, one to observe and one to act.
 *
 *   observe   TCP or Unix   status page, /status, /metrics, probes   read-only, for everyone; any number of addresses
 *   admin     Unix          admin operations                         for users who may open the socket
 *
 * Either may be inherited from a service manager in place of its setting. `--admin-socket auto` is the usual path if
 * that can be opened, else none. Opens both or neither. Owns what they are given; observe/server/ and admin/ answer
 * with it.
 */
import type { Operations } from '../admin/operations.ts';
import type { Pausing } from '../admin/pausing.ts';
import { type AdminServerOptions, openAdminServer, openWithFolder } from '../admin/server.ts';
import type { Settings } from '../config/settings.ts';
import { type TcpAddress, usualAdminSocket } from '../config/values/listen.ts';
import { formatHostPort } from '../lib/net/host-port.ts';
import { SettingError } from '../lib/setting-error.ts';
import { type Closable, ManagementListener } from '../management/listener.ts';
import type { CheckHistory } from '../observe/check-history.ts';
import type { Event } from '../observe/events/event.ts';
import type { EventLog } from '../observe/events/event-log.ts';
import type { ReloadResult } from '../observe/events/sentences/operators.ts';
import type { Metrics } from '../observe/metrics/metrics.ts';
import { type ObserveServer, openObserveServer } from '../observe/server/http.ts';
import { type StatusSources, takeStatus } from '../observe/status.ts';
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
  readonly operations: Operations;
  readonly pausing: Pausing;
  readonly reload: (force: boolean) => Promise<ReloadResult>;
  readonly record: (event: Event) => void;
}

/** One for each address; none where it is off. */
type Observe = readonly ManagementListener<ObserveServer>[];
/** `undefined` where it is off, and for an optional socket that cannot be opened. */
type Admin = ManagementListener<Closable> | undefined;

export class ManagementServers {
  readonly #observe: Observe;
  readonly #admin: Admin;

  /** Throws as `openObserveServer` and `openAdminServer` do, with neither open. */
  static async open(options: ManagementServersOptions): Promise<ManagementServers> {
    const observe = await openObserve(options);
    try {
      return new ManagementServers(observe, await openAdmin(options));
    } catch (error) {
      for (const each of observe) each.close();
      throw error;
    }
  }

  private constructor(observe: Observe, admin: Admin) {
    this.#observe = observe;
    this.#admin = admin;
  }

  /** Of the first observe address; `undefined` while it is not open, and for a Unix socket. */
  get observePort(): number | undefined {
    return this.#observe[0]?.server?.port;
  }

  /** The process begins to drain; see `ManagementListener.yield`. */
  yield(): void {
    for (const each of this.#observe) each.yield();
    this.#admin?.yield();
  }

  close(): void {
    for (const each of this.#observe) each.close();
    this.#admin?.close();
  }
}

/** Opens all of them or none. */
async function openObserve(options: ManagementServersOptions): Promise<Observe> {
  const { observe } = options.settings;
  const isInherited = options.inherited.observe !== undefined;
  const addresses = isInherited ? [observe[0] ?? { host: '', port: 0 }] : observe;
  const opened: ManagementListener<ObserveServer>[] = [];
  try {
    for (const address of addresses) opened.push(await openObserveAt(address, options));
    return opened;
  } catch (error) {
    for (const each of opened) each.close();
    throw error;
  }
}

function openObserveAt(
  { host, port }: Pick<TcpAddress, 'host' | 'port'>,
  options: ManagementServersOptions,
): Promise<ManagementListener<ObserveServer>> {
  const { settings, isShared, sources, events, checks, metrics, record } = options;
  const { observe: inherited } = options.inherited;
  const names = [...settings.observe.map((each) => each.host), ...settings.observeNames];
  return ManagementListener.open({
    open: () =>
      openObserveServer({
        ...{ host, port, inherited, names },
        status: () => takeStatus(sources),
        metrics: () => metrics.render(),
        onRefused: (reason) => metrics.managementRefused('observe', reason),
        stream: { status: () => takeStatus({ ...sources, events: () => [] }), events, checks },
        page: async () => (await import('../page/from-source.ts')).pageFiles(),
      }),
    ...{ inherited, isShared },
    onWaiting: ({ message: why }) => record({ kind: 'observe-waits', why }),
    onOpened: ({ port: observePort }) => {
      record({ kind: 'observe-opened', shown: formatHostPort(host, port), observePort });
    },
  });
}

async function openAdmin(options: ManagementServersOptions): Promise<Admin> {
  const { settings, isShared, sources, events, metrics, operations, pausing, reload, record } =
    options;
  const { admin: inherited } = options.inherited;
  const socket = settings.adminSocket;
  if (socket.kind === 'off' && inherited === undefined) return undefined;
  const api: AdminServerOptions = {
    ...{ events, operations, pausing, reload, isStopping: sources.stopping },
    status: () => takeStatus(sources),
    onRefused: (reason) => metrics.managementRefused('admin', reason),
  };
  const path = socket.kind === 'path' ? socket.path : usualAdminSocket;
  const isOptional = socket.kind === 'auto' && inherited === undefined;
  const unavailable = ({ message }: SettingError) =>
    record({ kind: 'admin-unavailable', path, why: message });
  const open = () => {
    if (inherited !== undefined) return openAdminServer({ fd: inherited }, api);
    return isOptional ? openWithFolder(path, api) : openAdminServer({ path }, api);
  };
  try {
    return await ManagementListener.open({ open, inherited, isShared, onWaiting: unavailable });
  } catch (error) {
    if (!isOptional || !(error instanceof SettingError)) throw error;
    unavailable(error);
    return undefined;
  }
}
