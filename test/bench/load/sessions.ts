/** Clients that hold their connections and are silent, in a process of their own. */
import { join } from 'node:path';
import { Child } from '../../machine/child.ts';
import { manyDescriptors } from './descriptors.ts';

const program = join(import.meta.dirname, 'sessions-process.ts');

/** See sessions-process.ts. */
export type SessionsMode = 'idle' | 'connected' | 'stopped';

/** Resolves when all of them are open; ending the child closes them. */
export async function openSessions(
  address: string,
  count: number,
  mode: SessionsMode,
): Promise<Child> {
  const [host = '', port = ''] = address.split(':');
  let open: string | undefined;
  const child = new Child(
    'sessions',
    [...manyDescriptors, process.execPath, program, host, port, String(count), mode],
    {
      onLine: (line) => {
        open = line;
      },
    },
  );
  try {
    const said = await child.until(`open ${count} sessions`, () => open);
    if (said !== `open ${count}`)
      throw new Error(`Of ${count} sessions no more than this: ${said}`);
    return child;
  } catch (error) {
    await child.end();
    throw error;
  }
}
