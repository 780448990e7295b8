/** The moment that files of a release are dated to, so that the same sources give the same bytes. */
import { execFileSync } from 'node:child_process';
import { env } from 'node:process';

/**
 * Seconds since 1970: `SOURCE_DATE_EPOCH`, or else the date of the commit.
 *
 * @throws when neither is known.
 */
export function sourceDate(): number {
  const text = env['SOURCE_DATE_EPOCH'] ?? dateOfCommit();
  if (!/^\d+$/.test(text)) {
    throw new Error(`SOURCE_DATE_EPOCH is ${text}: give it in seconds since 1970.`);
  }
  return Number(text);
}

function dateOfCommit(): string {
  try {
    const options = { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' } as const;
    return execFileSync('git', ['log', '-1', '--format=%ct'], options).trim();
  } catch {
    throw new Error(
      'Files of a release have the date of the commit, but git tells none: set SOURCE_DATE_EPOCH.',
    );
  }
}
