/** Columns of text for terminals. Pure. */
import { stripVTControlCharacters } from 'node:util';
import { formatAge } from '../lib/text/quantities.ts';

/** Rows as lines, each column as wide as its widest cell; colours take no room. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, index) =>
    Math.max(...rows.map((row) => widthOf(row[index] ?? ''))),
  );
  return rows.map((row) =>
    row
      .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

/** `350 ms`, `12 s`, `5 min`, `2 h 5 min`. */
export function age(ms: number): string {
  return ms < 1_000 ? `${Math.max(0, Math.round(ms))} ms` : formatAge(ms);
}
