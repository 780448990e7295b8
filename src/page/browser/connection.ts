/**
 * The connection to the balancer: server-sent events, reconnected for as long as the page is open.
 *
 *   connecting ──► live ◄──► lost      lost: an error, or no status for 3.5 s
 *
 * Owns the EventSource and notices when it goes quiet. main.ts shows what comes.
 */
import type { ChecksUpdate, EventUpdate, StatusUpdate } from './wire.ts';

export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** `heardAt` is when the last update came, ms since the epoch by the clock of this machine. */
  | { readonly kind: 'lost'; readonly heardAt: number | undefined };

export interface Listener {
  readonly onConnection: (connection: Connection) => void;
  readonly onStatus: (status: StatusUpdate) => void;
  readonly onChecks: (checks: ChecksUpdate) => void;
  /** `id` is the run of the balancer, a dash, and a number that grows. */
  readonly onEvent: (event: EventUpdate, id: string) => void;
}

/** A status comes every second; after this time without one the connection is lost, ms. */
const lostAfter = 3_500;
/** Between two attempts to connect, where the browser makes none by itself, ms. */
const retryAfter = 3_000;
const checkInterval = 500; // ms

/** Listens for as long as the page is open. `url` is relative to it. */
export function listen(url: string, listener: Listener): void {
  let source: EventSource;
  let connection: Connection = { kind: 'connecting' };
  let heardAt: number | undefined;
  let triedAt = 0;

  const become = (next: Connection): void => {
    if (next.kind === connection.kind) return;
    connection = next;
    listener.onConnection(next);
  };
  const open = (): void => {
    triedAt = Date.now();
    source = new EventSource(url);
    source.addEventListener('error', () => become({ kind: 'lost', heardAt }));
    source.addEventListener('status', ({ data }) => {
      heardAt = Date.now();
      become({ kind: 'live' });
      listener.onStatus(JSON.parse(data));
    });
    source.addEventListener('checks', ({ data }) => listener.onChecks(JSON.parse(data)));
    source.addEventListener('event', ({ data, lastEventId }) =>
      listener.onEvent(JSON.parse(data), lastEventId),
    );
  };
  const check = (): void => {
    const now = Date.now();
    if (now - (heardAt ?? triedAt) > lostAfter) become({ kind: 'lost', heardAt });
    // An HTTP error ends an EventSource for good; one whose peer has vanished may wait for ever.
    if (connection.kind !== 'lost' || now - triedAt < retryAfter) return;
    source.close();
    open();
  };
  open();
  setInterval(check, checkInterval);
}
