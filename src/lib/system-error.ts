/** System errors in words. */
import { getSystemErrorMessage } from 'node:util';

/** Is it an error of the system, such as a full disk or no descriptor left? */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { errno: number } {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).errno === 'number';
}

/** One clause: the system's text ("no space left on device"), or else the message. */
export function inWords(error: unknown): string {
  // libuv loses the sign of some errors of getifaddrs(3), and Node has no text for those.
  if (isSystemError(error)) return getSystemErrorMessage(-Math.abs(error.errno));
  return error instanceof Error ? error.message : String(error);
}
