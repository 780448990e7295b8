/** Results as JSON, and what was measured before beside what is new. Pure. */
import type { Result } from './table.ts';

/** What two results must have in common for the newer to take the place of the older. */
function keyOf({ fault, contestant, etcd, tls, members }: Result): string {
  return [fault, contestant, etcd, tls, members].join(' ');
}

/**
 * The older results, but for those whose fault, contestant and setting were measured anew: of these all
 * rounds are replaced. In the order of `faults`, so that parts may be run in any order.
 */
export function merged(
  older: readonly Result[],
  newer: readonly Result[],
  faults: readonly string[],
): Result[] {
  const anew = new Set(newer.map(keyOf));
  const all = [...older.filter((each) => !anew.has(keyOf(each))), ...newer];
  const place = ({ fault }: Result) => {
    const index = faults.indexOf(fault);
    return index < 0 ? faults.length : index;
  };
  return all.toSorted(
    (a, b) =>
      place(a) - place(b) ||
      a.etcd.localeCompare(b.etcd) ||
      // Plain first.
      b.tls.localeCompare(a.tls) ||
      a.members - b.members ||
      a.round - b.round,
  );
}

/** Numbers that JSON has no word for are told as strings. */
export function toJson(results: readonly Result[]): string {
  const text = JSON.stringify(
    results,
    (_, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
    2,
  );
  return `${text}\n`;
}

export function fromJson(text: string): Result[] {
  return JSON.parse(text, (_, value: unknown) =>
    value === 'Infinity' || value === 'NaN' ? Number(value) : value,
  ) as Result[];
}
