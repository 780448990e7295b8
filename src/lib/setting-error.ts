/**
 * How configuration says no.
 *
 * `Refusal` is the inner form: which setting, and why. It knows nothing of flags or files, so the
 * rules that throw it need not either. `ConfigError` is the outer form, the only one that leaves
 * this room: a whole sentence with the place the value came from, which load.ts adds.
 */
import { safeText } from './text/safe-text.ts';

/**
 * One sentence for a person: which setting, where it came from, what is wrong, what to write
 * instead. The command line prints the message and exits with 2.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(sentence: string) {
    super(safeText(sentence)); // it may quote what anybody wrote
  }
}

/** A setting that cannot be used. `message` is the reason: no setting, no origin, no full stop. */
export class SettingError extends Error {
  override readonly name = 'Refusal';
  /** The setting's kebab-case name. */
  readonly setting: string;

  constructor(setting: string, reason: string) {
    super(reason);
    this.setting = setting;
  }
}

/** An address that another process has. Whoever shares its clients with that one may wait for it. */
export class AddressInUse extends SettingError {}
