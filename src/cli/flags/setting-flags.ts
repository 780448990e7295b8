/**
 * The settings as flags of a command.
 *
 * Owns which of them its help shows: a few in short, all of them by group with `--all`. A setting that is not
 * shown is taken all the same.
 */
import { type Command, Option } from 'commander';
import type { Flags } from '../../config/load.ts';
import { type OptionSpec, options } from '../../config/options.ts';
import { onOrOff } from '../../config/shapes.ts';

/**
 * Declares a flag for each setting. Values stay text: config/ reads them, whatever their source.
 *
 * @param isShown is it in the short help?
 */
export function withSettings(command: Command, isShown: (setting: OptionSpec) => boolean): Command {
  // Headings for each group would be longer than ten settings.
  const isGrouped = options.filter(isShown).length > 10;
  for (const setting of options) {
    const heading = isGrouped ? groupOf(setting) : 'Settings:';
    command.addOption(flagOf(setting).hideHelp(!isShown(setting)).helpGroup(heading));
  }
  return command;
}

/** The ten that matter most. */
export function isEssential(setting: OptionSpec): boolean {
  return setting.isEssential === true;
}

/** The settings that `check` reads. It takes all others too, so that the flags of `run` work for it. */
const checked: readonly OptionSpec['key'][] = [
  ...(['endpoints', 'discovery', 'discoverySrv', 'listen'] as const),
  ...(['tls', 'tlsCert', 'tlsKey', 'clientCa'] as const),
  ...(['cacert', 'cert', 'key', 'serverName'] as const),
  ...(['checkUrl', 'user', 'passwordFile', 'config'] as const),
];

export function isReadByCheck({ key }: OptionSpec): boolean {
  return checked.includes(key);
}

/** The settings that `snapshot save` reads. */
const readBySnapshot: readonly OptionSpec['key'][] = [
  ...(['endpoints', 'cacert', 'cert', 'key', 'serverName'] as const),
  ...(['checkUrl', 'user', 'passwordFile', 'config', 'adminSocket'] as const),
];

export function isReadBySnapshot({ key }: OptionSpec): boolean {
  return readBySnapshot.includes(key);
}

/** Adds `--all`, which has `--help` show every setting under its group. */
export function withAll(command: Command): Command {
  const all = new Option('--all', `With --help: show all ${options.length} settings, by group.`);
  // Commander takes in all flags before it shows a help: the order of the two does not matter.
  return command.addOption(all).on('option:all', () => showAllSettings(command));
}

/** Shows every setting in the help of a command from now on, under its group. */
export function showAllSettings(command: Command): void {
  for (const setting of options) {
    const option = command.options.find((each) => each.attributeName() === setting.key);
    option?.hideHelp(false).helpGroup(groupOf(setting));
  }
}

/** "TLS to members:" */
function groupOf({ group }: OptionSpec): string {
  return `${group.charAt(0).toUpperCase()}${group.slice(1)}:`;
}

/** The settings among the flags that a command was given. */
export function settingsOf(command: Command): Flags {
  const given = command.opts<Record<string, string | string[] | undefined>>();
  return Object.fromEntries(options.map(({ name, key }) => [name, given[key]]));
}

function flagOf({
  name,
  placeholder,
  default: initial,
  help,
  list,
  ...setting
}: OptionSpec): Option {
  const { shape, choices } = setting;
  const notes = initial === undefined ? '' : ` Default: ${initial}.`;
  const isSwitch = shape === onOrOff;
  const value = isSwitch ? `[${placeholder}]` : `<${placeholder}${list ? '...' : ''}>`;
  const option = new Option(`--${name} ${value}`, `${help}${notes}`);
  // For completion: config/ judges values.
  if (choices !== undefined) option.argChoices = [...choices];
  // A switch without a value is on. The next word is its value if it is no flag, as of every flag here.
  return isSwitch ? option.preset('on') : option;
}
