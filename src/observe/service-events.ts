/**
 * What is said of starting beside another process and of sockets that were open before us. Owns the
 * wording, as events.ts does for everything else.
 */
import type { AddressInUse } from '../config/error.ts';
import type { EventBody } from './events.ts';

/** @param refused why the observe listener cannot be opened yet. */
export function observeWaits({ message }: AddressInUse): EventBody {
  return {
    level: 'warn',
    kind: 'observe-waits',
    message: `the observe listener is opened as soon as the process before this one has ended: ${message}`,
    fields: {},
  };
}

/** The end of that. @param shown where it listens. */
export function observeOpened(shown: string, observePort: number | undefined): EventBody {
  return {
    level: 'info',
    kind: 'observe-opened',
    message: `the observe listener is open now, on ${shown}`,
    fields: { observePort },
  };
}

/** The sockets that were passed to us are others than the addresses that were asked for. */
export function listenIgnored(inherited: readonly string[], asked: readonly string[]): EventBody {
  return {
    level: 'warn',
    kind: 'listen-ignored',
    message: `clients are accepted on the sockets that were passed to this process, ${inherited.join(', ')}, and ${asked.join(', ')} of --listen is not opened: let the socket unit and --listen name the same`,
    fields: { inherited, listen: asked },
  };
}
