/**
 * The log: JSON lines on a pipe, readable lines on a terminal, both through pino.
 *
 * Written in the background: a reader of our output that stalls must not stall the relay.
 * Owns the destination. What is said is in events.ts.
 */
import { once } from 'node:events';
import { type DestinationStream, pino } from 'pino';
import type { Event } from './events.ts';

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: readable when standard output is a terminal, else JSON. */
  readonly format: 'auto' | 'json' | 'pretty';
}

export interface Log {
  /** Writes one event at its level. */
  write(event: Event): void;
  /** Tells of one session, at level debug only: a busy balancer has thousands. */
  session(message: string, fields: object): void;
  /** The least that is written; may be set. */
  level: LogOptions['level'];
  /** Resolves when all is written; nothing can be written after. */
  close(): Promise<void>;
}

/** Opens the log on standard output, or on `stream` when given. */
export async function openLog(options: LogOptions, stream?: DestinationStream): Promise<Log> {
  const pretty =
    options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY === true);
  const background = stream || pretty ? undefined : pino.destination({ dest: 1, sync: false });
  const target = stream ?? background ?? (await prettyStream(options.level));
  const logger = pino(
    {
      level: options.level,
      base: { app: 'etcd-lb' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
  return {
    write: ({ level, kind, message, fields }) => logger[level]({ event: kind, ...fields }, message),
    session: (message, fields) => logger.debug(fields, message),
    get level() {
      return logger.level as LogOptions['level'];
    },
    set level(level) {
      logger.level = level;
    },
    close: async () => {
      if (background === undefined) return;
      background.end();
      await once(background, 'close');
    },
  };
}

/** Loaded only for a terminal: it takes longer to load than everything else here. */
async function prettyStream(level: LogOptions['level']): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    // An event's sentence says it all; the lines of single sessions, at level debug, do not.
    hideObject: level !== 'debug' && level !== 'trace',
    ignore: 'app',
    translateTime: 'SYS:HH:MM:ss.l',
    sync: true,
  });
}
