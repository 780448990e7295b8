/** Settings from the command line, which commander has already split into names and texts. */
import type { Given, Source } from '../values/origin.ts';

/** By kebab-case name without `--`; a repeated flag has all its texts. */
export type Flags = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Those that were given; an empty list is none. */
export function readFlags(flags: Flags): Source {
  const source = new Map<string, Given>();
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined || (value.length === 0 && Array.isArray(value))) continue;
    source.set(name, { value, origin: { from: 'flag', detail: `--${name}` } });
  }
  return source;
}
