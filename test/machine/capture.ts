/** One program run to its end, for what it prints. It dies with us, as a Child does. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Program } from './programs.ts';

const run = promisify(execFile);

/** Longest that one run may take, ms. */
const patience = 120_000;

/** Its stdout. Throws one sentence when it fails. */
export async function capture(program: Program, args: readonly string[]): Promise<string> {
  try {
    const command = ['--pdeathsig', 'KILL', program.path, ...args];
    const { stdout } = await run('setpriv', command, {
      env: { ...process.env, ...program.env, LC_ALL: 'C' },
      timeout: patience,
      killSignal: 'SIGKILL',
      maxBuffer: 1 << 26,
    });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & Record<string, string>;
    const said = (stderr.trim() || stdout.trim() || message).split('\n').slice(-3).join(' | ');
    throw new Error(`${program.path.split('/').at(-1)} failed: ${said}`);
  }
}
