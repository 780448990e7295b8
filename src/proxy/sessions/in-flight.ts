/**
 * Waits until all calls in flight are answered, while nothing more is read from clients.
 *
 * Where calls are followed, it is known which are open. Opaque sessions only show that the members send
 * nothing for a short time, which is longer than a write takes on a sound disk.
 */
import type { Session } from './session.ts';

/** Between two samples, ms. */
const interval = 2;
/** After this long without a byte from members, ms, opaque sessions count as answered. */
const quietTime = 25;

/**
 * Resolves with true once everything is answered, and with false after `bound` ms: a long call, such as that
 * of a client that waits for a lock, must not keep everybody waiting. Never rejects.
 *
 * @param sessions the held sessions.
 */
export async function allAnswered(sessions: readonly Session[], bound: number): Promise<boolean> {
  const begun = performance.now();
  const followed = sessions.filter(({ calls }) => calls?.state === 'followed');
  const opaque = sessions.filter(({ calls }) => calls?.state !== 'followed');
  let bytes = -1;
  let changedAt = begun;
  for (let now = begun; now - begun < bound; now = performance.now()) {
    const sum = opaque.reduce((total, session) => total + session.bytes.member, 0);
    if (sum !== bytes && bytes >= 0) changedAt = now;
    bytes = sum;
    const isQuiet = opaque.length === 0 || now - changedAt >= quietTime;
    if (isQuiet && followed.every(({ calls }) => (calls?.inFlight ?? 0) === 0)) return true;
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
  return false;
}
