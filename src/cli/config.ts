/** `etcd-lb config`: the effective settings, each with where its value came from. */
import { type Effective, type Flags, loadSettings } from '../config/load.ts';
import { documentOf, type Format } from './flags/output.ts';
import { columns } from './table.ts';

/** Prints them; as YAML they can be used as a configuration file. Throws `ConfigError`. */
export async function printConfig(flags: Flags, format: Format): Promise<void> {
  const { effective } = loadSettings({ flags, env: process.env });
  if (format === 'json') process.stdout.write(await documentOf(objectOf(effective), format));
  else console.log(columns(format === 'yaml' ? lines(effective) : table(effective)).join('\n'));
}

/** `{"listen": {"value": "127.0.0.1:2379", "origin": "default"}, …}`; what is not set has no value. */
function objectOf(effective: readonly Effective[]): object {
  const entries = effective.map(({ name, value, origin }) => [
    name,
    { ...(value !== '' && { value }), origin: origin.detail },
  ]);
  return Object.fromEntries(entries);
}

function lines(effective: readonly Effective[]): string[][] {
  return effective.map(({ name, value, origin }) => [
    value === '' ? `# ${name}:` : `${name}: ${JSON.stringify(value)}`,
    `# ${origin.detail}`,
  ]);
}

function table(effective: readonly Effective[]): string[][] {
  const rows = effective.map(({ name, value, origin }) => [name, value || '-', origin.detail]);
  return [['SETTING', 'VALUE', 'FROM'], ...rows];
}
