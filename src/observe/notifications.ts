/**
 * Notifications to a service manager (sd_notify(3)):
 *
 *   READY=1 ──► STATUS= with each change of a member ──► STOPPING=1, EXTEND_TIMEOUT_USEC= of the drain
 *          └──► WATCHDOG=1 at half the time it allows, from the event loop that relays
 *
 * Owns when they are sent, their text, and the environment variables that ask for them. notify-socket.ts sends them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { openNotifySocket, type Send } from '../systemd/notify-socket.ts';
import { whyUnserved } from './concerns.ts';
import type { Event, EventKind } from './events/event.ts';
import type { EventLog } from './events/event-log.ts';
import type { Status } from './status.ts';

/** Between two lines of status, and before a failed message is sent again, ms. */
const interval = 1_000;
/** How much longer than the drain the end may take, ms. */
const afterDrain = 5_000;

/** Events that may change the line of status. */
const statusEvents: readonly EventKind[] = [
  ...(['member-changed', 'member-fit', 'member-unfit', 'mode-changed'] as const),
  ...(['member-joined', 'member-renamed', 'member-left'] as const),
  ...(['leader-changed', 'leader-lost'] as const),
  ...(['paused', 'resumed'] as const),
  ...(['cluster-replaced', 'cluster-returned', 'cluster-accepted'] as const),
];

export class ServiceNotifications implements AsyncDisposable {
  readonly #send: Send;
  readonly #watchdog: NodeJS.Timeout | undefined;
  /** Unsent messages, oldest first; few, since status and watchdog wait until there are none. */
  readonly #waiting: string[] = [];
  readonly #closing = new AbortController();
  /** At most one message is being sent, so that they arrive in order. */
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #statusSentAt = Number.NEGATIVE_INFINITY;
  #status: (() => Status) | undefined;

  /** Removes the variables from `env`: children must not inherit them. `undefined` where they are not set. */
  static open(env: NodeJS.ProcessEnv, pid: number): ServiceNotifications | undefined {
    const { NOTIFY_SOCKET: path, WATCHDOG_USEC: usec, WATCHDOG_PID: forPid } = env;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
    if (path === undefined || !/^[/@]./.test(path)) return undefined;
    const isForUs = forPid === undefined || forPid === String(pid);
    const bound = isForUs ? Number(usec) / 1_000 : Number.NaN;
    return new ServiceNotifications(openNotifySocket(path), bound > 0 ? bound : undefined);
  }

  /** @param bound the watchdog timeout of the manager, ms. */
  private constructor(send: Send, bound: number | undefined) {
    this.#send = send;
    if (bound === undefined) return;
    this.#watchdog = setInterval(() => {
      if (this.#waiting.length === 0) this.#enqueue('WATCHDOG=1'); // else other messages come first
    }, bound / 2);
    this.#watchdog.unref();
  }

  /** Reports events from now on. */
  listenTo(events: EventLog): void {
    events.subscribe((_recorded, event) => this.#onEvent(event));
  }

  /** Clients are accepted, or the new settings apply after `reloading`. */
  ready(status: () => Status): void {
    this.#status = status;
    this.#statusSentAt = performance.now();
    this.#enqueue(`READY=1\n${describe(status())}`);
  }

  /** A reload begins; `ready` must follow. */
  reloading(): void {
    const usec = process.hrtime.bigint() / 1_000n; // from CLOCK_MONOTONIC, as systemd expects
    this.#enqueue(`RELOADING=1\nMONOTONIC_USEC=${usec}`);
  }

  /** Resolves when the last message was sent or could not be sent. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watchdog);
    clearTimeout(this.#timer);
    this.#closing.abort();
    await this.#sending;
  }

  #onEvent(event: Event): void {
    if (event.kind === 'stopping') {
      const usec = (event.drainTimeout + afterDrain) * 1_000;
      this.#enqueue(`STOPPING=1\nEXTEND_TIMEOUT_USEC=${usec}\nSTATUS=stopping: sessions may end`);
      this.#status = undefined;
    }
    if (this.#status !== undefined && statusEvents.includes(event.kind)) this.#sendStatusSoon();
  }

  /** Sends the status soon. Changes are combined, and once a second is enough. */
  #sendStatusSoon(): void {
    const wait = Math.max(0, this.#statusSentAt + interval - performance.now());
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#status === undefined) return;
      this.#statusSentAt = performance.now();
      const isBehind = this.#waiting.length > 0; // do not queue a line that will be outdated
      if (isBehind) this.#sendStatusSoon();
      else this.#enqueue(describe(this.#status()));
    }, wait);
    this.#timer.unref();
  }

  #enqueue(message: string): void {
    this.#waiting.push(message);
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    const { signal } = this.#closing;
    for (let message = this.#waiting[0]; message !== undefined; message = this.#waiting[0]) {
      if (await this.#send(message)) this.#waiting.shift();
      else if (signal.aborted) return;
      else await delay(interval, undefined, { signal, ref: false }).catch(() => {});
    }
  }
}

/** "STATUS=2 of 3 members healthy; m1 failed: timed out after 700ms", always one line. */
function describe({ members, mode, ...status }: Status): string {
  const healthy = members.filter(({ acceptsNew }) => acceptsNew);
  const others = members
    .filter((member) => !healthy.includes(member))
    .map(({ name, state, unfit, evidence }) => {
      const why = unfit?.detail ?? evidence?.detail;
      return `${name} ${unfit?.reason ?? state}${why === undefined ? '' : `: ${why}`}`;
    });
  const head = mode === 'panic' ? 'panic, ' : '';
  const unserved = whyUnserved(status);
  const told = [
    ...(unserved === undefined ? [] : [unserved]),
    `${head}${healthy.length} of ${members.length} members healthy`,
    ...others,
  ];
  return `STATUS=${told.join('; ').replaceAll(/\s+/g, ' ')}`;
}
