/** Errors of the system, in words. */
import { getSystemErrorMessage } from 'node:util';

/** Did the system refuse something: a full disk, no descriptor left? */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { errno: number } {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).errno === 'number';
}

/** One clause: what the system says of it ("no space left on device"), or else its message. */
export function inWords(error: unknown): string {
  // libuv passes on some errors of getifaddrs(3) with their sign lost, which Node then has no words for.
  if (isSystemError(error)) return getSystemErrorMessage(-Math.abs(error.errno));
  return error instanceof Error ? error.message : String(error);
}
