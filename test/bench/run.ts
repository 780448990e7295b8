/**
 * One measure with one contestant in one round. Everything that was started for it is gone when it
 * resolves or rejects.
 */
import type { Contestant, Endpoint } from '../contestants/contestant.ts';
import { EtcdLb } from '../contestants/etcd-lb.ts';
import { Folder } from '../machine/folder.ts';
import type { Backends } from './backend/backends.ts';
import { manyDescriptors, maxConnections } from './load/descriptors.ts';
import type { Figures, Measure, Pace, SceneOptions, Started } from './measure.ts';

export interface RunOptions {
  readonly pace: Pace;
  readonly backends: Backends;
  /** Takes what is started, and is disposed of at the end; earlier by whoever stops the run. */
  readonly parts: AsyncDisposableStack;
}

export async function runMeasure(
  measure: Measure,
  contestant: Contestant,
  { pace, backends, parts }: RunOptions,
): Promise<Figures> {
  try {
    const folder = parts.use(new Folder()).path;
    const start = async (
      endpoints: readonly Endpoint[],
      options: SceneOptions = {},
    ): Promise<Started> => {
      const running = await contestant.start(endpoints, {
        ...{ ...options, folder, maxConnections, prefix: manyDescriptors },
      });
      // The run was stopped while it started.
      if (parts.disposed) await running[Symbol.asyncDispose]();
      parts.use(running);
      return {
        addresses: running.addresses,
        address: running.addresses[0] ?? '',
        ...(running.child && { child: running.child }),
        etcdLb: running instanceof EtcdLb ? running : undefined,
        [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
      };
    };
    return await measure.run({ pace, backends, folder, start, use: (part) => parts.use(part) });
  } finally {
    await parts.disposeAsync();
  }
}

/** Is there something to be measured? */
export function applies(measure: Measure, { name }: Contestant, round: number): boolean {
  if (round >= (measure.rounds ?? Number.POSITIVE_INFINITY)) return false;
  if (measure.needsProcess && name === 'direct') return false;
  return measure.only?.includes(name) ?? true;
}

/** Another one is first in each round, so that none always comes after the same. */
export function rotated<T>(all: readonly T[], round: number): readonly T[] {
  const first = round % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
