/**
 * The log: JSON lines on a pipe, readable lines on a terminal, both through pino.
 *
 * It is written in the background, so a stalled reader does not stall the relay.
 * Owns the format. The sentences are in ../events/; log-output.ts writes the lines.
 */
import { type DestinationStream, pino } from 'pino';
import type { RecordedEvent } from '../events/event-log.ts';
import { LogOutput, type LogTrouble } from './log-output.ts';

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: readable when standard output is a terminal, else JSON. */
  readonly format: 'auto' | 'json' | 'pretty';
}

export interface Log {
  /** Writes one event at its level. */
  write(event: RecordedEvent): void;
  /** Writes a line about one session, at level debug only: a busy balancer has thousands. */
  session(message: string, fields: object): void;
  /** The lowest level that is written; may be set. */
  level: LogOptions['level'];
  /** Lines that could not be written so far. */
  lost(): number;
  /** Calls `listener` when lines begin to be lost, and when they are written again. */
  onTrouble(listener: (trouble: LogTrouble) => void): void;
  /** Resolves when all lines are written or lost, after a second at the latest. Later lines are lost. */
  close(): Promise<void>;
}

/** Opens the log on standard output, or on `descriptor`. */
export async function openLog(options: LogOptions, descriptor = 1): Promise<Log> {
  const isPretty =
    options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY === true);
  const output = new LogOutput(descriptor);
  const target = isPretty ? await readable(output, options.level) : output;
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
    lost: () => output.lost,
    onTrouble: (listener) => output.onTrouble(listener),
    close: () => output.close(),
  };
}

/** Loads pino-pretty only when it is needed: it takes longer to load than everything else here. */
async function readable(output: LogOutput, level: LogOptions['level']): Promise<DestinationStream> {
  const { prettyFactory } = await import('pino-pretty');
  const prettify = prettyFactory({
    // An event's sentence says it all; the lines of single sessions, at level debug, do not.
    hideObject: level !== 'debug' && level !== 'trace',
    ignore: 'app',
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return { write: (line) => output.write(prettify(line)) };
}
