/** `etcd-lb snapshot status`: verifies a file, and says what is in it. */

import { SentenceError } from '../../lib/sentence-error.ts';
import { inWords } from '../../lib/system-error.ts';
import { count } from '../../lib/text/count.ts';
import { formatBytes } from '../../lib/text/quantities.ts';
import { inspectSnapshot, isWhole, type SnapshotReport } from '../../snapshot/file/inspect.ts';
import { documentOf, type Format } from '../flags/output.ts';

/** Returns the exit code: 0 where it is whole. Throws `SentenceError` where it cannot be read. */
export async function printSnapshot(path: string, format: Format): Promise<0 | 1> {
  const report = read(path);
  const whole = isWhole(report);
  const text =
    format === 'table'
      ? `${sentenceOf(path, report)}\n`
      : await documentOf({ file: path, whole, ...report }, format);
  process.stdout.write(text);
  return whole ? 0 : 1;
}

function read(path: string): SnapshotReport {
  try {
    return inspectSnapshot(path);
  } catch (error) {
    throw new SentenceError(`${path} cannot be read: ${inWords(error as NodeJS.ErrnoException)}.`);
  }
}

function sentenceOf(path: string, { size, hash, contents, unread }: SnapshotReport): string {
  const hashes = {
    matches: 'its hash matches',
    differs: 'its hash does not match: it is damaged',
    none: 'it has no hash behind it, as a copy of a data directory, which etcd restores only with --skip-hash-check',
  };
  const inside =
    contents === undefined
      ? `its pages cannot be read: ${unread}`
      : `revision ${contents.revision}, ${count(contents.keptRevisions, 'revision')} kept, ${count(contents.members, 'member')}`;
  return `${path}: ${formatBytes(size)}, ${inside}; ${hashes[hash]}.`;
}
