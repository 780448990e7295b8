/**
 * Ends a session when reading it throws. The chunk was not passed on, and no byte may follow a gap. Other
 * sessions are not affected (lib/unexpected.ts).
 */
import { handOver } from '../../lib/unexpected.ts';

/** Wraps `read`, which returns whether the next chunk may come: if it throws, `end` is called with the error. */
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
