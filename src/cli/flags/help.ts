/** How a help looks: bold headings, `--endpoints URLS` for commander's `--endpoints <URLS...>`. */
import { styleText } from 'node:util';
import { type Command, Help, type Option } from 'commander';

/** Stands for a space at which no line is broken, until that is done. */
const together = '\0';

export const helpStyle: Partial<Help> = {
  optionTerm: ({ flags }: Option) => flags.replaceAll(/[<>]|\.\.\./g, ''),
  // Commander would add its own words for the default, which the description has at its end.
  optionDescription: ({ description }: Option) =>
    description.replace(/Default: (?=\S+$)/, `Default:${together}`),
  subcommandTerm: (command: Command) => {
    const words = command.registeredArguments.map((argument) =>
      argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
    );
    return [command.name(), ...words].join(' ');
  },
  styleTitle: (title: string) => styleText('bold', title),
  formatItem(...item: Parameters<Help['formatItem']>) {
    return Help.prototype.formatItem.apply(this as Help, item).replaceAll(together, ' ');
  },
};
