/** An event as people read it. */
export interface Sentence {
  readonly level: 'info' | 'warn' | 'error';
  /** One sentence without a full stop. */
  readonly message: string;
  /** Searchable fields in the log, in `/status` and in streams. */
  readonly fields: Readonly<Record<string, unknown>>;
}

type Write = (message: string, fields: Sentence['fields']) => Sentence;

export const info: Write = (message, fields) => ({ level: 'info', message, fields });
export const warn: Write = (message, fields) => ({ level: 'warn', message, fields });
export const error: Write = (message, fields) => ({ level: 'error', message, fields });
