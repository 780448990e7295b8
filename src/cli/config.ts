/** `etcd-lb config`: the effective settings, each with where its value came from. */
import { type Flags, loadSettings } from '../config/load.ts';

/** Prints a YAML document that can be used as a configuration file. Throws `ConfigError`. */
export function printConfig(flags: Flags): void {
  const { effective } = loadSettings({ flags, env: process.env });
  const lines = effective.map(({ name, value, origin }) => ({
    setting: value === '' ? `# ${name}:` : `${name}: ${JSON.stringify(value)}`,
    origin: origin.detail,
  }));
  const width = Math.max(...lines.map(({ setting }) => setting.length));
  for (const { setting, origin } of lines) {
    console.log(`${setting.padEnd(width)}  # ${origin}`);
  }
}
