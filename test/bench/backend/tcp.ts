/** Members that are not etcd: they hold connections and are silent, or send without end. */
import { join } from 'node:path';
import { Child } from '../../machine/child.ts';
import { manyDescriptors } from '../load/descriptors.ts';

const program = join(import.meta.dirname, 'tcp-process.ts');

/** @param bytes that it sends to every client at once. */
export async function startTcp(
  bytes: number,
): Promise<{ readonly port: number; readonly child: Child }> {
  let port = 0;
  const child = new Child(
    'member',
    [...manyDescriptors, process.execPath, program, String(bytes)],
    {
      onLine: (line) => {
        port = Number(line.replace('listens ', ''));
      },
    },
  );
  await child.until('listen', () => port || undefined);
  return { port, child };
}
