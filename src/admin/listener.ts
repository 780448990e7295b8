/**
 * The admin socket over the life of a process: where it is, whether it has to be there, and that it may be
 * another process's for a while.
 *
 *   a path      there, or nothing is started
 *   auto        at the usual path if that can be opened, else none
 *   inherited   what a service manager has opened, in place of both
 *
 * Where listeners are shared, a path in use is waited for, as with the observe listener.
 */
import { type AdminSocket, usualAdminSocket } from '../config/values/admin-socket.ts';
import { openWhenFree } from '../lib/net/bind-retry.ts';
import { SettingError } from '../lib/setting-error.ts';
import type { Event } from '../observe/events/event.ts';
import {
  type AdminServer,
  type AdminServerOptions,
  openAdminServer,
  openWithFolder,
} from './server.ts';

export interface AdminListenerOptions {
  readonly socket: AdminSocket;
  readonly inherited: number | undefined;
  /** May another process with the same configuration run beside this one? */
  readonly isShared: boolean;
  readonly api: AdminServerOptions;
  readonly record: (event: Event) => void;
}

export class AdminListener {
  readonly #closing = new AbortController();
  readonly #isInherited: boolean;
  #server: AdminServer | undefined;

  /** Throws as `openAdminServer` does where the socket must be there. */
  static async open(options: AdminListenerOptions): Promise<AdminListener> {
    const listener = new AdminListener(options.inherited !== undefined);
    await listener.#open(options);
    return listener;
  }

  private constructor(isInherited: boolean) {
    this.#isInherited = isInherited;
  }

  /** A process begins to drain: an inherited socket is the successor's alone from now on. */
  yield(): void {
    if (this.#isInherited) this.close();
  }

  close(): void {
    this.#closing.abort();
    this.#server?.close();
    this.#server = undefined;
  }

  async #open({ socket, inherited, isShared, api, record }: AdminListenerOptions): Promise<void> {
    if (inherited !== undefined) {
      this.#server = await openAdminServer({ fd: inherited }, api);
      return;
    }
    if (socket.kind === 'off') return;
    const path = socket.kind === 'path' ? socket.path : usualAdminSocket;
    const open = (): Promise<AdminServer> =>
      socket.kind === 'path' ? openAdminServer({ path }, api) : openWithFolder(path, api);
    const unavailable = ({ message }: SettingError): void =>
      record({ kind: 'admin-unavailable', path, why: message });
    try {
      if (isShared) await this.#openWhenFree(open, unavailable);
      else this.#server = await open();
    } catch (error) {
      if (socket.kind === 'path' || !(error instanceof SettingError)) throw error;
      unavailable(error);
    }
  }

  /** Resolves when it is open, or is waited for. */
  async #openWhenFree(
    open: () => Promise<AdminServer>,
    onWaiting: (refusal: SettingError) => void,
  ): Promise<void> {
    const waits = Promise.withResolvers<void>();
    const { signal } = this.#closing;
    const tell = (refusal: SettingError): void => {
      onWaiting(refusal);
      waits.resolve();
    };
    const opening = openWhenFree(open, tell, signal).then((server) => {
      if (signal.aborted) server?.close();
      else this.#server = server;
    });
    await Promise.race([opening, waits.promise]);
  }
}
