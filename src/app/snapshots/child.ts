/**
 * Takes a snapshot in a process of its own, by the command that people use. So no byte of it goes through the event loop that
 * relays, it has its own memory, and the kernel may give it less of the processor.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import { isSea } from 'node:sea';
import type { Saved } from '../../snapshot/schedule/scheduled.ts';

/** The least that there is: traffic, and members on this host, come first. */
const niceness = 19;
/** Of what it prints, characters; it prints a sentence or a few lines of JSON. */
const mostOutput = 16_384;

/**
 * Resolves with what was saved. Rejects with one sentence, or with the signal's reason when aborted; then nothing is left.
 *
 * @param args of `etcd-lb snapshot save`.
 */
export async function saveInChild(args: readonly string[], signal: AbortSignal): Promise<Saved> {
  signal.throwIfAborted();
  const program = isSea() ? [] : [process.argv[1] ?? ''];
  const child = spawn(process.execPath, [...program, 'snapshot', 'save', ...args, '-o', 'json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: withoutSettings(process.env),
  });
  const end = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', end);
  try {
    const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
    const [code, how] = await endOf(child);
    signal.throwIfAborted();
    if (code === 0) return JSON.parse(stdout()) as Saved;
    const [last = ''] = stderr().trim().split('\n').slice(-1);
    throw new Error(last.replace(/^etcd-lb: /, '') || `The process ended with ${how ?? code}.`);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Resolves with its exit code and signal. Rejects when it cannot be started. */
async function endOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  try {
    if (child.pid !== undefined) os.setPriority(child.pid, niceness);
  } catch {
    // it has ended, or this system forbids it
  }
  return ended;
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (piece: string) => {
    text = (text + piece).slice(-mostOutput);
  });
  return () => text;
}

/** The settings of the balancer are not those of the command, which is told all that it needs. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(ETCD_LB_|LISTEN_|NOTIFY_|WATCHDOG_)/.test(name)),
  );
}
