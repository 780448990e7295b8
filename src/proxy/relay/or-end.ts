/**
 * What becomes of a session when reading it throws: it ends. The chunk was not passed on, and nobody may go on
 * behind a gap; the other sessions do not notice (lib/unexpected.ts).
 */
import { handOver } from '../../lib/unexpected.ts';

/** `read`, which returns whether the next chunk may come, with `end` called for what it throws. */
export function orEnd<T>(
  read: (chunk: T) => boolean,
  end: (error: Error) => void,
): (chunk: T) => boolean {
  return (chunk) => {
    try {
      return read(chunk);
    } catch (error) {
      handOver(error);
      end(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  };
}
