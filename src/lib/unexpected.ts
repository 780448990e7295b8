/**
 * The one place that decides what an unhandled error does: it is reported, and the process goes on.
 *
 *   thrown by a callback of a socket, a timer, a signal ──┐
 *   a promise that nobody waits for rejects ──────────────┼──► uncaughtException ──► reported
 *   caught by a loop that must go on: attempt() ──────────┘
 *
 * A load balancer that ends takes every client with it. An error that is survived costs at most what it belongs to,
 * one session or one reload. Node runs on after such an error, and so do other proxies that serve many clients
 * in one process. During the start nothing is served yet, so there Node's default ends the process.
 *
 * A timer or a loop that rearms itself does so even when its work throws, and hands the error over: a loop
 * that ends unseen is worse than a process that ends.
 */

/** How many reported errors are remembered, so that one that recurs each second is reported once. */
const remembered = 100;

/**
 * Keeps the process alive from now on, until it is disposed.
 *
 * @param count called for each error.
 * @param tell called for each error whose stack is new.
 */
export function surviveErrors(count: () => void, tell: (error: Error) => void): Disposable {
  const told = new Set<string>();
  const onError = (thrown: unknown): void => {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const stack = error.stack ?? error.message;
    const isNew = !told.has(stack) && told.size < remembered;
    try {
      count();
      if (!isNew) return;
      told.add(stack);
      tell(error);
    } catch (failure) {
      // An error of the reporting must not end the process either (Node would exit with 7).
      console.error(error, failure);
    }
  };
  // This covers unhandled rejections too: Node raises them as exceptions.
  process.on('uncaughtException', onError);
  return { [Symbol.dispose]: () => void process.off('uncaughtException', onError) };
}

/** Hands over an error that was caught to keep a loop going. Returns at once, never throws. */
export function handOver(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Runs `work`, and hands over what it throws: for work whose error must not end a loop, or other work. */
export function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    handOver(error);
  }
}
