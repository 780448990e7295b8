/** V8's heap: how full it is, and collecting garbage when it suits. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Replaced in tests. */
export interface Heap {
  /** Bytes in use, garbage included. */
  used(): number;
  /** Stops this process for a few ms, or for some 30 ms for a full collection. */
  collect(what: 'young' | 'all'): void;
}

/** The heap of this thread. Node exposes its collector only with a flag. A flag set at run time applies to new contexts. */
export function heapOfV8(): Heap {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: object) => void;
  return {
    used: () => getHeapStatistics().used_heap_size,
    collect: (what) =>
      gc(what === 'young' ? { type: 'minor' } : { type: 'major', flavor: 'last-resort' }),
  };
}
