/** In which format a command prints: `-o json`, `-o yaml` or `-o table`. Nothing else is printed to its output. */
import { type Command, Option } from 'commander';
import { ConfigError } from '../../lib/setting-error.ts';

const formats = ['json', 'yaml', 'table'] as const;

/** `table` is what people read, whether it has columns or lines. */
export type Format = (typeof formats)[number];

/** Adds `-o`, and `--json` for `-o json`. */
export function withOutput(command: Command, usual: Format = 'table'): Command {
  const output = new Option('-o, --output <FORMAT>', `json, yaml or table. Default: ${usual}.`)
    .default(usual)
    .choices(formats)
    .argParser(readFormat);
  const json = new Option('--json', 'The same as -o json.').implies({ output: 'json' });
  return command.addOption(output).addOption(json);
}

/**
 * A value as one document, with a line break at its end.
 *
 * @param isOneOfMany JSON on one line, YAML with `---` in front.
 */
export async function documentOf(
  value: unknown,
  format: Exclude<Format, 'table'>,
  isOneOfMany = false,
): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, null, isOneOfMany ? 0 : 2)}\n`;
  const { stringify } = await import('yaml');
  const text = stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
  return isOneOfMany ? `---\n${text}` : text;
}

function readFormat(text: string): Format {
  const format = formats.find((each) => each === text);
  if (format !== undefined) return format;
  throw new ConfigError(
    `--output: ${JSON.stringify(text)} is not a format; write json, yaml or table.`,
  );
}
