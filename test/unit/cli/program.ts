/** The program as a test uses it: nothing is run, and what it prints is returned. */
import type { Command, CommanderError } from 'commander';
import { createProgram } from '../../../src/cli/program.ts';

/** What it prints for this command line at 80 columns, and the error with which it ends. */
export function parse(...words: readonly string[]): {
  readonly program: Command;
  readonly text: string;
  readonly error: CommanderError | undefined;
} {
  const program = createProgram();
  let text = '';
  const output = {
    writeOut: (more: string) => {
      text += more;
    },
    getOutHelpWidth: () => 80,
  };
  for (const command of [program, ...program.commands]) command.configureOutput(output);
  let error: CommanderError | undefined;
  try {
    program.parse(words, { from: 'user' });
  } catch (thrown) {
    error = thrown as CommanderError;
  }
  return { program, text, error };
}
