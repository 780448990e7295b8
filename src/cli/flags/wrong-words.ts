/**
 * What is said of a command line that cannot be parsed: what is wrong, and what was probably meant.
 *
 * Owns the sentences in place of commander's own. Pure.
 */
import type { Command, CommanderError } from 'commander';
import { nearest } from '../../config/nearest.ts';
import { neighbourOf } from '../../config/neighbours.ts';
import { options } from '../../config/options.ts';
import { safeText } from '../../lib/text/safe-text.ts';

/** Commands of neighbouring programs, and ours for the purpose. */
const theirCommands: Readonly<Record<string, string>> = {
  ...{ start: 'run', serve: 'run', server: 'run', proxy: 'run', daemon: 'run' },
  ...{ gateway: 'run', 'grpc-proxy': 'run' },
  ...{ health: 'status', endpoint: 'status', member: 'status', members: 'status', top: 'status' },
  ...{ validate: 'check', test: 'check', doctor: 'check' },
  ...{ logs: 'events', watch: 'events', enable: 'undrain', disable: 'drain' },
};

/**
 * One sentence.
 *
 * @param words the command line after `etcd-lb`.
 */
export function sentenceOf(
  { code, message }: Pick<CommanderError, 'code' | 'message'>,
  program: Command,
  words: readonly string[],
): string {
  const [, quoted = ''] = /'([^']*)'/.exec(message) ?? [];
  const isWord = code === 'commander.unknownCommand'; // as of help, too
  const named = isWord ? undefined : program.commands.find((each) => each.name() === words[0]);
  return safeText(
    sentence(code, quoted, named ?? program) ?? `${message.replace(/^error: /, '')}.`,
  );
}

/** @param quoted the first that commander's message quotes. */
function sentence(code: string, quoted: string, command: Command): string | undefined {
  switch (code) {
    case 'commander.unknownCommand':
      return unknownCommand(quoted, command);
    case 'commander.unknownOption':
      return unknownFlag(quoted, command);
    case 'commander.optionMissingArgument': {
      const [flag = '', placeholder] = quoted.replace(/^-\w, /, '').split(' ');
      return `${flag} needs a value; write ${flag} ${placeholder?.replaceAll(/[<>.]/g, '')}.`;
    }
    case 'commander.excessArguments':
      return `${JSON.stringify(command.args.at(-1))} is one word too many; see ${name(command)} --help.`;
    case 'commander.missingArgument':
      return `the ${quoted} is missing; write ${name(command)} <${quoted}>.`;
    case 'commander.invalidArgument': {
      const [argument] = command.registeredArguments;
      const choices = argument?.argChoices ?? [];
      return `${JSON.stringify(quoted)} is not a ${argument?.name()}; write ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}.`;
    }
    default:
      return undefined;
  }
}

function unknownCommand(written: string, program: Command): string {
  const names = program.commands.map((each) => each.name());
  const theirs = Object.hasOwn(theirCommands, written) ? theirCommands[written] : undefined;
  return `${written} is not a command; ${orHelp(theirs ?? nearest(written, names), program)}`;
}

function unknownFlag(written: string, command: Command): string {
  const flag = written.replace(/=.*$/s, '');
  const bare = flag.replace(/^-+/, '');
  const isProgram = command.parent === null;
  if (isProgram && options.some((setting) => setting.name === bare)) {
    return `${flag} is a flag of a command; write etcd-lb run ${flag}.`;
  }
  const longs = command.options.flatMap(({ long }) => long ?? []);
  const theirs = neighbourOf(bare);
  const ours = theirs?.match(/--[a-z-]+/g) ?? [];
  if (theirs !== undefined && (isProgram || ours.every((each) => longs.includes(each)))) {
    return `${flag} ${theirs}.`;
  }
  const meant = nearest(flag, [...longs, '--help', '--version']);
  return `${flag} is not a flag of ${name(command)}; ${orHelp(meant, command)}`;
}

function orHelp(meant: string | undefined, command: Command): string {
  return meant === undefined ? `see ${name(command)} --help.` : `did you mean ${meant}?`;
}

/** `etcd-lb run`, or `etcd-lb` for the program. */
function name(command: Command): string {
  return command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`;
}
