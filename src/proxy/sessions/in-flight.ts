/**
 * Waits until clients have the answers to what they have asked, while nothing more is read from them.
 *
 * Where calls are followed it is known which are open. Of opaque bytes a short silence of the member is all
 * that can be seen: it is longer than the answer to a write takes on a sound disk.
 */
import type { Session } from './session.ts';

/** Between two samples, ms. */
const interval = 2;
/** Without a byte from members for this long, ms, opaque sessions have their answers. */
const quietTime = 25;

/**
 * Resolves when nothing is open any more, or after `bound` ms: a call that takes long, as of a client that
 * waits for a lock, must not keep everybody waiting. Resolves with whether everything was answered. Never
 * rejects.
 *
 * @param sessions those that are held.
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
