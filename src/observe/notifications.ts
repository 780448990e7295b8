/**
 * What a service manager is told of us (sd_notify(3)):
 *
 *   READY=1 ──► STATUS= with each change of a member ──► STOPPING=1, EXTEND_TIMEOUT_USEC= of the drain
 *          └──► WATCHDOG=1 at half the time it allows, from the event loop that relays
 *
 * Owns when it is said and in which words, and the variables that ask for it. How it gets there is
 * notify-socket.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { openNotifySocket, type Send } from '../systemd/notify-socket.ts';
import type { Event, EventKind } from './events/event.ts';
import type { EventLog } from './events/event-log.ts';
import type { Status } from './status.ts';

/** Between two lines of status, and before what was not taken is said again, ms. */
const interval = 1_000;
/** What ending takes beyond the drain, ms: everything is closed by then. */
const afterDrain = 5_000;

/** After these the line of status may read differently. */
const telling: readonly EventKind[] = [
  ...(['member-changed', 'member-fit', 'member-unfit', 'mode-changed'] as const),
  ...(['member-joined', 'member-renamed', 'member-left'] as const),
  ...(['leader-changed', 'leader-lost'] as const),
];

export class ServiceNotifications implements AsyncDisposable {
  readonly #send: Send;
  readonly #watchdog: NodeJS.Timeout | undefined;
  /** What was not taken yet, oldest first; few, since status and watchdog wait until there is none. */
  readonly #waiting: string[] = [];
  readonly #closing = new AbortController();
  /** At most one message is on its way, so that they arrive in order. */
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #status: (() => Status) | undefined;

  /** Takes the variables out of `env`: they are not for children. `undefined` where nobody asks. */
  static open(env: NodeJS.ProcessEnv, pid: number): ServiceNotifications | undefined {
    const { NOTIFY_SOCKET: path, WATCHDOG_USEC: usec, WATCHDOG_PID: forPid } = env;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
    if (path === undefined || !/^[/@]./.test(path)) return undefined;
    const isForUs = forPid === undefined || forPid === String(pid);
    const bound = isForUs ? Number(usec) / 1_000 : Number.NaN;
    return new ServiceNotifications(openNotifySocket(path), bound > 0 ? bound : undefined);
  }

  /** @param bound how long the manager waits for a sign of life, ms. */
  private constructor(send: Send, bound: number | undefined) {
    this.#send = send;
    if (bound === undefined) return;
    this.#watchdog = setInterval(() => {
      if (this.#waiting.length === 0) this.#say('WATCHDOG=1'); // else there is more to say
    }, bound / 2);
    this.#watchdog.unref();
  }

  /** Events are what there is to tell. */
  listenTo(events: EventLog): void {
    events.subscribe((_recorded, event) => this.#hear(event));
  }

  /** Clients are accepted, or accepted with new settings after `reloading`. */
  ready(status: () => Status): void {
    this.#status = status;
    this.#toldAt = performance.now();
    this.#say(`READY=1\n${describe(status())}`);
  }

  /** New settings are being taken over; `ready` must follow. */
  reloading(): void {
    const usec = process.hrtime.bigint() / 1_000n; // of CLOCK_MONOTONIC, as systemd compares it
    this.#say(`RELOADING=1\nMONOTONIC_USEC=${usec}`);
  }

  /** Resolves when the last message was sent, or could not be. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watchdog);
    clearTimeout(this.#timer);
    this.#closing.abort();
    await this.#sending;
  }

  #hear(event: Event): void {
    if (event.kind === 'stopping') {
      const usec = (event.drainTimeout + afterDrain) * 1_000;
      this.#say(`STOPPING=1\nEXTEND_TIMEOUT_USEC=${usec}\nSTATUS=stopping: sessions may end`);
      this.#status = undefined;
    }
    if (this.#status !== undefined && telling.includes(event.kind)) this.#tellLater();
  }

  /** In a moment: what changes together is told together, and once a second is enough. */
  #tellLater(): void {
    const wait = Math.max(0, this.#toldAt + interval - performance.now());
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#status === undefined) return;
      this.#toldAt = performance.now();
      const isBehind = this.#waiting.length > 0; // an old line is in nobody's interest
      if (isBehind) this.#tellLater();
      else this.#say(describe(this.#status()));
    }, wait);
    this.#timer.unref();
  }

  #say(message: string): void {
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

/** "STATUS=2 of 3 members healthy; m1 failed: timed out after 700 ms", one line whatever happens. */
function describe({ members, mode }: Status): string {
  const healthy = members.filter(({ acceptsNew }) => acceptsNew);
  const others = members
    .filter((member) => !healthy.includes(member))
    .map(({ name, state, unfit, evidence }) => {
      const why = unfit?.detail ?? evidence?.detail;
      return `${name} ${unfit?.reason ?? state}${why === undefined ? '' : `: ${why}`}`;
    });
  const head = mode === 'panic' ? 'panic, ' : '';
  const told = [`${head}${healthy.length} of ${members.length} members healthy`, ...others];
  return `STATUS=${told.join('; ').replaceAll(/\s+/g, ' ')}`;
}
