/**
 * Completion for shells, made from the commands of the program. The script asks the running balancer
 * for the names of members.
 */
import type { Command, Option } from 'commander';
import { showAllSettings } from './setting-flags.ts';

type Shell = 'bash' | 'zsh' | 'fish';

/** Commands whose word is a member. */
const aboutMembers = ['drain', 'undrain', 'move-leader'];
const members = 'etcd-lb status --names 2>/dev/null';

/** The script for a shell. */
export function completionFor(shell: Shell, program: Command): string {
  // Their short help hides most of the settings.
  for (const command of program.commands) {
    if (['run', 'config'].includes(command.name())) showAllSettings(command);
  }
  if (shell === 'fish') return fish(program);
  // zsh runs bash's functions.
  const head =
    shell === 'zsh' ? '#compdef etcd-lb\nautoload -U +X bashcompinit && bashcompinit\n' : '';
  return `${head}${bash(program)}`;
}

/** In the words of bash: what follows a flag that takes a value is that value, else flags and words. */
function bash(program: Command): string {
  const options = program.commands.flatMap(flagsOf);
  const valued = options.filter(({ required }) => required);
  const free = valued.filter((option) => valuesOf(option) === '');
  const values = valued
    .filter((option) => valuesOf(option) !== '')
    .map((option) => `    ${namesOf(option).join('|')}) words="${valuesOf(option)}" ;;`);
  const switches = options.filter(({ optional }) => optional).flatMap(namesOf);
  const commands = program.commands.map((command) => {
    const words = [...flagsOf(command).flatMap(namesOf), ...wordsOf(command, program)];
    const asked = aboutMembers.includes(command.name()) ? ` $(${members})` : '';
    return `    ${command.name()}) words="${words.join(' ')}${asked}" ;;`;
  });
  const names = program.commands.map((command) => command.name());
  // Without words bash completes the names of files.
  return `_etcd_lb() {
  local words="" current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  case "\${COMP_WORDS[1]}" in
${commands.join('\n')}
  esac
  case "$previous" in
${[...new Set(values)].join('\n')}
    ${[...new Set(switches)].join('|')}) words="on off $words" ;;
    ${[...new Set(free.flatMap(namesOf))].join('|')}) words="" ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${names.join(' ')} --help --version"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _etcd_lb etcd-lb
`;
}

function fish(program: Command): string {
  const lines = program.commands.flatMap((command) => {
    const name = command.name();
    const used = `__fish_seen_subcommand_from ${name}`;
    const flags = flagsOf(command).map((option) => {
      const { long = '', short, description, required } = option;
      const values = valuesOf(option).replace('$(', '(');
      const takes =
        values === '' ? (required ? ' -r' : '') : `${required ? ' -x' : ''} -a '${values}'`;
      const letter = short === undefined ? '' : ` -s ${short.slice(1)}`;
      return `complete -c etcd-lb -n '${used}' -l ${long.slice(2)}${letter}${takes} -d ${quoted(description)}`;
    });
    const words = aboutMembers.includes(name)
      ? `(${members})`
      : wordsOf(command, program).join(' ');
    return [
      `complete -c etcd-lb -n __fish_use_subcommand -f -a ${name} -d ${quoted(command.summary() || command.description())}`,
      ...flags,
      ...(words === '' ? [] : [`complete -c etcd-lb -n '${used}' -f -a ${quoted(words)}`]),
    ];
  });
  return `${lines.join('\n')}\n`;
}

function flagsOf(command: Command): Option[] {
  return command.options.filter(({ hidden }) => !hidden);
}

function namesOf({ long, short }: Option): string[] {
  return [short, long].filter((name) => name !== undefined);
}

/** The words that a flag takes, or the command that prints them; empty for any text. */
function valuesOf({ long, argChoices = [] }: Option): string {
  return long === '--member' ? `$(${members})` : argChoices.join(' ');
}

/** The words that a command takes. */
function wordsOf(command: Command, program: Command): string[] {
  if (command.name() === 'help') return program.commands.map((each) => each.name());
  return command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
