/**
 * Completion for shells, made from the commands of the program. The script asks the running balancer
 * for the names of members.
 */
import type { Command } from 'commander';

type Shell = 'bash' | 'zsh' | 'fish';

/** Commands whose word is a member. */
const aboutMembers = ['drain', 'undrain'];
const members = 'etcd-lb status --names 2>/dev/null';

/** The script for a shell. */
export function completionFor(shell: Shell, program: Command): string {
  if (shell === 'fish') return fish(program);
  // zsh runs bash's functions.
  const head =
    shell === 'zsh' ? '#compdef etcd-lb\nautoload -U +X bashcompinit && bashcompinit\n' : '';
  return `${head}${bash(program)}`;
}

function bash(program: Command): string {
  const cases = program.commands.map((command) => {
    const words = [...flagsOf(command), ...choicesOf(command)].join(' ');
    const asked = aboutMembers.includes(command.name()) ? ` $(${members})` : '';
    return `    ${command.name()}) words="${words}${asked}" ;;`;
  });
  const names = program.commands.map((command) => command.name());
  return `_etcd_lb() {
  local words current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  if [ "$previous" = --member ]; then
    COMPREPLY=($(compgen -W "$(${members})" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="" ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${names.join(' ')}"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _etcd_lb etcd-lb
`;
}

function fish(program: Command): string {
  const lines = program.commands.flatMap((command) => {
    const name = command.name();
    const used = `__fish_seen_subcommand_from ${name}`;
    const flags = command.options
      .filter(({ hidden, long }) => !hidden && long)
      .map(
        ({ long = '', description, required }) =>
          `complete -c etcd-lb -n '${used}' -l ${long.slice(2)}${required ? ' -r' : ''} -d ${quoted(description)}`,
      );
    const words = aboutMembers.includes(name) ? `(${members})` : choicesOf(command).join(' ');
    return [
      `complete -c etcd-lb -n __fish_use_subcommand -f -a ${name} -d ${quoted(command.description())}`,
      ...flags,
      ...(words === '' ? [] : [`complete -c etcd-lb -n '${used}' -f -a ${quoted(words)}`]),
    ];
  });
  return `${lines.join('\n')}\n`;
}

function flagsOf(command: Command): string[] {
  return command.options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : []));
}

function choicesOf(command: Command): string[] {
  return command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
