/**
 * From what people wrote to one validated `Settings`:
 *
 *   flags ─► environment ─► file ─► default      the first that has a setting gives it
 *                      │
 *                      ▼ text         one setting at a time (options.ts)
 *                    values
 *                      ▼              certificates read, endpoints understood
 *                   Settings ─► rules (rules.ts)
 *
 * Owns precedence, and puts the place a value came from in front of every complaint. Reads files;
 * opens, starts and prints nothing.
 */
import { type CertificateFiles, loadCertificates } from '../certificates/certificates.ts';
import { splitList } from '../lib/list.ts';
import { ConfigError, SettingError } from '../lib/setting-error.ts';
import { thisMachine } from './collision.ts';
import { type OptionSpec, options, type Values } from './options.ts';
import { checkRules } from './rules.ts';
import type { Settings } from './settings.ts';
import { readEnvironment } from './sources/environment.ts';
import { readFile } from './sources/file.ts';
import { type Flags, readFlags } from './sources/flags.ts';
import {
  type Endpoint,
  formatNamedEndpoint,
  parseEndpoints,
  type Scheme,
} from './values/endpoint.ts';
import {
  byDefault,
  type Given,
  notSet,
  type Origin,
  type Source,
  subject,
} from './values/origin.ts';
import { loadUser } from './values/user.ts';

export type { Origin } from './values/origin.ts';

/** One setting as it is in force. */
export interface Effective {
  /** Kebab-case. */
  readonly name: string;
  /** As written, lists with commas, endpoints with the scheme they got; empty for none. */
  readonly value: string;
  readonly origin: Origin;
}

export interface Loaded {
  readonly settings: Settings;
  /** Every setting but `config`, in the order of `options`: as a file, it gives the same. */
  readonly effective: readonly Effective[];
  /** Puts the place a value came from in front of what was found wrong with it later. */
  readonly explain: (refusal: SettingError) => ConfigError;
  /** Are these what settings must be to one another? Throws `ConfigError`. For those that were put together. */
  readonly check: (settings: Settings) => void;
}

export interface LoadInput {
  readonly flags: Flags;
  readonly env: NodeJS.ProcessEnv;
}

/** Throws `ConfigError` for the first thing wrong, wherever it was written. */
export function loadSettings({ flags, env }: LoadInput): Loaded {
  const sources: Source[] = [readFlags(flags), readEnvironment(env)];
  const given = (name: string): Given | undefined =>
    sources.find((source) => source.has(name))?.get(name) ?? defaults.get(name);
  const originOf = (name: string): Origin => given(name)?.origin ?? notSet;
  const explain = ({ setting, message }: SettingError): ConfigError =>
    new ConfigError(`${subject(setting, originOf(setting))}: ${message}.`);
  try {
    const config = readValue(optionNamed('config'), given('config')?.value);
    if (config !== undefined) sources.push(readFile(String(config)));
    const settings = resolve(readValues((name) => given(name)?.value));
    checkRules(settings, originOf, thisMachine());
    const effective = options
      .filter(({ key }) => key !== 'config')
      .map((option) => ({
        name: option.name,
        value: show(option, given(option.name)?.value, settings),
        origin: originOf(option.name),
      }));
    const check = (others: Settings): void => {
      try {
        checkRules(others, originOf, thisMachine());
      } catch (error) {
        throw error instanceof SettingError ? explain(error) : error;
      }
    };
    return { settings, effective, explain, check };
  } catch (error) {
    throw error instanceof SettingError ? explain(error) : error;
  }
}

const defaults: Source = new Map(
  options.flatMap(({ name, default: value }) =>
    value === undefined ? [] : [[name, { value, origin: byDefault }]],
  ),
);

type Text = Given['value'] | undefined;

/** Each setting by itself. */
function readValues(textOf: (name: string) => Text): Values {
  const values: Partial<Record<keyof Values, unknown>> = {
    ...{ endpoints: [], weight: [], priority: [], allowClient: [], observeNames: [] },
  };
  for (const option of options) {
    const text = textOf(option.name);
    if (text !== undefined) values[option.key] = readValue(option, text);
  }
  return values as unknown as Values; // the table's type ties each key to its shape
}

/** One setting from its text; `undefined` from none. */
function readValue(option: OptionSpec, text: Text): unknown {
  if (text === undefined) return undefined;
  const result = option.shape.safeParse(text);
  if (result.success) return result.data;
  throw new SettingError(option.name, result.error.issues[0]?.message ?? 'cannot be used');
}

function optionNamed(name: string): OptionSpec {
  const option = options.find((each) => each.name === name);
  if (option === undefined) throw new Error(`${name} is not a setting`);
  return option;
}

/** The settings that depend on others, or on files. */
function resolve(values: Values): Settings {
  const { config, cacert, cert, key, tlsCert, tlsKey, clientCa, ...others } = values;
  const { user, passwordFile, endpoints, ...rest } = others;
  const toMembers = {
    ...(cacert !== undefined && { cacert }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  const files: CertificateFiles = {
    ...toMembers,
    ...(tlsCert !== undefined && { tlsCert }),
    ...(tlsKey !== undefined && { tlsKey }),
    ...(clientCa !== undefined && { clientCa }),
  };
  // As etcdctl: whoever brings certificates means https.
  const isHttps = Object.keys(toMembers).length > 0 || rest.tls === 'originate';
  const scheme = isHttps ? 'https' : 'http';
  const etcdUser = loadUser(user, passwordFile);
  return {
    ...rest,
    endpoints: understood(endpoints, scheme),
    certificates: loadCertificates(files),
    certificateFiles: files,
    ...(etcdUser && { etcdUser }),
    ...(passwordFile !== undefined && { passwordFile }),
    ...(config !== undefined && { configFile: config }),
  };
}

function understood(words: readonly string[], scheme: Scheme): Endpoint[] {
  try {
    return parseEndpoints(words, scheme);
  } catch (error) {
    throw new SettingError('endpoints', (error as Error).message);
  }
}

function show(option: OptionSpec, text: Text, settings: Settings): string {
  if (option.key === 'endpoints') return settings.endpoints.map(formatNamedEndpoint).join(',');
  if (text === undefined) return '';
  return option.list ? splitList(text).join(',') : String(text);
}
