#!/usr/bin/env node
/**
 * The entry point: parses the command line, and reports what goes wrong in one sentence. Exit codes:
 *
 *   0  ended as asked         1  an error not in the settings
 *   2  a setting is wrong     128+n  ended by a second signal n
 *
 * The commands for a running balancer end with 1 when it cannot be reached or refuses. `check` and
 * `status --exit-code` give a verdict on the cluster with 0, 1 and 2, and end with 3 when there is none.
 */
import { CommanderError } from 'commander';
import { SentenceError } from '../lib/sentence-error.ts';
import { ConfigError } from '../lib/setting-error.ts';
import { inWords, isSystemError } from '../lib/system-error.ts';
import { sentenceOf } from './flags/wrong-words.ts';
import { createProgram } from './program.ts';

const program = createProgram();
const words = process.argv.slice(2);

/** Prints an error as one sentence and returns the exit code. A bug of ours keeps its stack. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // --help, --version
    if (error.code === 'commander.help') return 2; // no command: the help was printed
    console.error(`etcd-lb: ${sentenceOf(error, program, words)}`);
    return 2;
  }
  const isSentence = error instanceof SentenceError || error instanceof ConfigError;
  if (isSentence) console.error(`etcd-lb: ${error.message}`);
  else console.error(isSystemError(error) ? `etcd-lb: ${error.message}.` : error);
  return error instanceof ConfigError ? 2 : 1;
}

/** Do 1 and 2 tell of the cluster here? Then whatever kept us from looking must have a code of its own. */
function isVerdict(): boolean {
  return words[0] === 'check' || (words[0] === 'status' && words.includes('--exit-code'));
}

// `etcd-lb --help | head` closes our output before we are done, which is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  console.error(`etcd-lb: standard output cannot be written: ${inWords(error)}.`);
  process.exit(isVerdict() ? 3 : 1);
});

try {
  await program.parseAsync();
} catch (error) {
  const code = report(error);
  process.exitCode = code > 0 && isVerdict() ? 3 : code;
}
