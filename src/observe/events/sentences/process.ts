/**
 * Sentences about the start and the end of this process, alone or beside another one, about its log, and about
 * unexpected errors.
 */
import { formatDuration } from '../../../config/values/duration.ts';
import { count } from '../../../lib/text/count.ts';
import { safeText } from '../../../lib/text/safe-text.ts';
import { error, info, warn } from './sentence.ts';

interface Started {
  version: string;
  listen: readonly string[];
  endpoints: readonly string[];
  /** The port of the observe listener, if it is open and on TCP. */
  observePort: number | undefined;
}

interface Unexpected {
  name: string;
  message: string;
  stack?: string | undefined;
}

export const processEvents = {
  /** The balancer accepts clients. */
  started: ({ version, listen, endpoints, observePort }: Started) => {
    const before = endpoints.length > 0 ? endpoints.join(', ') : 'no member that is known yet';
    return info(`etcd-lb ${version} listens on ${listen.join(', ')} in front of ${before}`, {
      ...{ version, listen, endpoints, observePort },
    });
  },
  /** `drainTimeout` in ms. */
  stopping: ({ sessions, drainTimeout: ms }: { sessions: number; drainTimeout: number }) => {
    const drainTimeout = formatDuration(ms);
    return info(
      `stopping: no new clients; ${count(sessions, 'session')} may end within ${drainTimeout}`,
      { sessions, drainTimeout },
    );
  },
  /** `cut`: sessions that the balancer closed. */
  stopped: ({ cut }: { cut: number }) =>
    info(cut === 0 ? 'stopped' : `stopped; ${count(cut, 'session')} closed`, { cut }),
  /** `why`: the reason that the observe listener cannot be opened yet. */
  'observe-waits': ({ why }: { why: string }) =>
    warn(`the observe listener opens when the previous process has ended: ${why}`, {}),
  /** It was opened after that wait. */
  'observe-opened': ({ shown, observePort }: { shown: string; observePort: number | undefined }) =>
    info(`the observe listener is open now, on ${shown}`, { observePort }),
  /** The inherited sockets are not at the addresses of --listen. */
  'listen-ignored': (ignored: { inherited: readonly string[]; listen: readonly string[] }) => {
    const { inherited, listen } = ignored;
    return warn(
      `clients are accepted on the inherited sockets, ${inherited.join(', ')}; --listen ${listen.join(', ')} is not opened: make the socket unit and --listen name the same addresses`,
      { inherited, listen },
    );
  },
  /** Lines of the log begin to be lost. */
  'log-failing': ({ why }: { why: string }) =>
    error(`the log cannot be written, its lines are lost: ${why}`, { why }),
  'log-back': ({ why, lines }: { why: string; lines: number }) =>
    warn(`the log is written again, ${count(lines, 'line')} of it lost: ${why}`, { why, lines }),
  /** An unhandled error. Recorded once for each stack. */
  'unexpected-error': ({ name, message, stack = '' }: Unexpected) =>
    error(`unexpected error, the balancer goes on: ${safeText(`${name}: ${message}`)}`, {
      type: 'Error', // tells the readable log to show the stack
      stack: stack.split('\n').map(safeText).join('\n    '),
    }),
};
