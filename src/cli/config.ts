/** `etcd-lb config`: the effective settings, each with where its value came from. */
import { type Flags, loadSettings } from '../config/load.ts';
import { columns } from './table.ts';

/** Prints a YAML document that can be used as a configuration file. Throws `ConfigError`. */
export function printConfig(flags: Flags): void {
  const { effective } = loadSettings({ flags, env: process.env });
  const rows = effective.map(({ name, value, origin }) => [
    value === '' ? `# ${name}:` : `${name}: ${JSON.stringify(value)}`,
    `# ${origin.detail}`,
  ]);
  console.log(columns(rows).join('\n'));
}
