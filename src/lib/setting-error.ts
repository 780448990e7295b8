/**
 * Setting errors.
 *
 * `SettingError` says which setting cannot be used, and why. It knows nothing of flags or files, so
 * the rules that throw it need not either. `ConfigError` is what the command line prints:
 * a whole sentence with the origin of the value, which config/load.ts adds.
 */
import { safeText } from './text/safe-text.ts';

/**
 * One sentence for a person: which setting, where it came from, what is wrong, what to write
 * instead. The command line prints the message and exits with 2.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(sentence: string) {
    super(safeText(sentence)); // it may quote text from outside
  }
}

/** A setting that cannot be used. `message` is the reason: no setting, no origin, no full stop. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
  /** The setting's kebab-case name. */
  readonly setting: string;

  constructor(setting: string, reason: string) {
    super(reason);
    this.setting = setting;
  }
}

/** The address is in use by another process. A process that shares its clients with that one may wait for it. */
export class AddressInUse extends SettingError {}
