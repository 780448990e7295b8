/**
 * The one place that decides what an error does that nobody has handled: it is told, and the process goes on.
 *
 *   thrown by a callback of a socket, a timer, a signal ──┐
 *   a promise that nobody waits for rejects ──────────────┼──► uncaughtException ──► told
 *   caught by a loop that has to go on: attempt() ────────┘
 *
 * A load balancer that ends takes every client with it, whatever the error was; what it belongs to, one session
 * or one reload, is lost at most. Node runs on after such an error, and so do other proxies of one process for
 * many clients. While it starts nothing is served yet: there Node's own way ends it.
 *
 * Whatever arms itself again (a timer, a loop) does so also when its work throws, and hands the error over: a loop
 * that has ended unseen is worse than a process that has.
 */

/** Told errors that are remembered, so that one that comes back each second is told once. */
const remembered = 100;

/**
 * Keeps the process alive from now on, until it is disposed of.
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
      // An error of what tells must not become the end either (Node would exit with 7).
      console.error(error, failure);
    }
  };
  // A rejection that nobody handles comes this way too: Node raises it as an exception.
  process.on('uncaughtException', onError);
  return { [Symbol.dispose]: () => void process.off('uncaughtException', onError) };
}

/** Hands over an error that was caught so that a loop can go on. Returns at once, never throws. */
export function handOver(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Does `work`, and hands over what it throws: for a loop that goes on, and for one of many that must not end the others. */
export function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    handOver(error);
  }
}
