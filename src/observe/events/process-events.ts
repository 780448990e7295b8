/** What is said of this process itself: a log that cannot be written, errors that nobody expected. Owns the wording. */

import { count } from '../../lib/count.ts';
import { safeText } from '../../lib/safe-text.ts';
import type { LogTrouble } from '../log/log-output.ts';
import type { EventBody } from './event-log.ts';

/** Lines of the log begin to be lost, or are written again. */
export function logTroubled(trouble: LogTrouble): EventBody {
  const { kind, why } = trouble;
  if (kind === 'failing') {
    return {
      level: 'error',
      kind: 'log-failing',
      message: `the log cannot be written, its lines are lost: ${why}`,
      fields: { why },
    };
  }
  const { lines } = trouble;
  return {
    level: 'warn',
    kind: 'log-back',
    message: `the log is written again, ${count(lines, 'line')} of it lost: ${why}`,
    fields: { why, lines },
  };
}

/** An error that no part of the balancer has handled. Told once for each stack. */
export function unexpectedError({ name, message, stack = '' }: Error): EventBody {
  const lines = stack.split('\n').map(safeText).join('\n    ');
  return {
    level: 'error',
    kind: 'unexpected-error',
    message: `unexpected error, the balancer goes on: ${safeText(`${name}: ${message}`)}`,
    fields: { type: 'Error', stack: lines }, // by `type` the readable log knows that there is a stack to show
  };
}
