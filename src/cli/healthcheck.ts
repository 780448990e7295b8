/**
 * `etcd-lb healthcheck`: is the etcd-lb of this container alive? For the HEALTHCHECK of an image, which
 * does not know the container's flags. They say where `/livez` is, so they are read from the process.
 *
 * The observe listener answers. If it is off, a process that exists counts as alive.
 */

import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { type Flags, loadSettings } from '../config/load.ts';
import { formatDuration } from '../config/values/duration.ts';
import { formatHostPort } from '../lib/net/host-port.ts';
import { http } from '../lib/net/node-http.ts';

/** Less than the container's runtime waits, ms. */
const patience = 2_000;

/**
 * Prints one line and returns the exit code: 0 alive, 1 not; Docker reserves 2. Assumes that both
 * processes have the same environment.
 *
 * @param flagsOf parses the arguments after `run`.
 */
export async function healthcheck(
  pid: string,
  flagsOf: (args: readonly string[]) => Flags,
): Promise<0 | 1> {
  try {
    console.log(await signOfLife(flagsOf(await argumentsOf(pid))));
    return 0;
  } catch (error) {
    console.error(`etcd-lb: ${(error as Error).message}`);
    return 1;
  }
}

/** The arguments after `run` on the command line of that process. */
async function argumentsOf(pid: string): Promise<string[]> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const words = line.split('\0').slice(0, -1);
  const run = words.indexOf('run');
  if (run === -1)
    throw new Error(`process ${pid} is not "etcd-lb run"; name one that is with --pid.`);
  return words.slice(run + 1);
}

/** How it shows that it is alive. Throws `Error` with one sentence when it does not. */
async function signOfLife(flags: Flags): Promise<string> {
  const [observe] = loadSettings({ flags, env: process.env }).settings.observe;
  if (observe === undefined) return 'runs, and observe is off';
  const { port } = observe;
  // A listener on every address is asked on this machine's own.
  const host = observe.host === '::' ? 'localhost' : observe.host;
  const signal = AbortSignal.timeout(patience);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    http.get({ host, port, path: '/livez', agent: false, signal }, resolve).on('error', reject);
    const { statusCode } = (await promise).resume();
    if (statusCode === 200) return 'alive';
    throw new Error(`answered ${statusCode}`);
  } catch (error) {
    const why = signal.aborted
      ? `no answer within ${formatDuration(patience)}`
      : (error as Error).message;
    throw new Error(`/livez at ${formatHostPort(host, port)} fails: ${why}.`);
  }
}
