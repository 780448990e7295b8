/**
 * Where a value came from, and how a sentence says so. Sources (load.ts, environment.ts, file.ts)
 * make origins; load.ts and rules.ts put them into words with the two functions here.
 */

export interface Origin {
  readonly from: 'flag' | 'env' | 'file' | 'default';
  /**
   * `--listen`, `ETCD_LB_LISTEN`, `/etc/etcd-lb/etcd-lb.yaml:3:9` (line and column from 1), `default`,
   * or `not set` where there is no default.
   */
  readonly detail: string;
}

/** A value as somebody wrote it, before it is parsed. */
export interface Given {
  readonly value: string | readonly string[];
  readonly origin: Origin;
}

/** What one source gives, by kebab-case name. */
export type Source = ReadonlyMap<string, Given>;

/** Origins of a setting that nobody wrote: it has its default, or it has none. */
export const byDefault: Origin = { from: 'default', detail: 'default' };
export const notSet: Origin = { from: 'default', detail: 'not set' };

/** The head of a sentence about a setting: where a person goes to change it. */
export function subject(name: string, origin: Origin): string {
  switch (origin.from) {
    case 'flag':
    case 'env':
      return origin.detail;
    case 'file':
      return `${origin.detail}: ${name}`;
    case 'default':
      return `--${name} (${origin.detail})`;
  }
}

/** A setting named within a sentence about another one, such as `--listen address (default)`. */
export function mention(what: string, origin: Origin): string {
  return origin.from === 'flag' ? `--${what}` : `--${what} (${origin.detail})`;
}
