/**
 * Makes one validated `Settings` of what people wrote:
 *
 *   flags ─► environment ─► file ─► default      the first that has a setting wins
 *                      │
 *                      ▼ text         one setting at a time (options.ts)
 *                    values
 *                      ▼              certificates read, endpoints parsed
 *                   Settings ─► rules (rules.ts)
 *
 * Owns precedence. Every message begins with the place that the value came from. Reads files; opens,
 * starts and prints nothing.
 */
import os from 'node:os';
import { loadCertificates } from '../certificates/certificates.ts';
import { ConfigError, SettingError } from '../lib/setting-error.ts';
import { type OptionSpec, options, type Values } from './options.ts';
import { checkRules } from './rules.ts';
import type { Settings } from './settings.ts';
import { readEnvironment } from './sources/environment.ts';
import { readFile } from './sources/file.ts';
import {
  type Endpoint,
  formatNamedEndpoint,
  parseEndpoints,
  type Scheme,
} from './values/endpoint.ts';
import { splitList } from './values/list.ts';
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

/** One setting as it is in use. */
export interface Effective {
  /** Kebab-case. */
  readonly name: string;
  /** As written: lists with commas, endpoints with their scheme; empty for none. */
  readonly value: string;
  readonly origin: Origin;
}

export interface Loaded {
  readonly settings: Settings;
  /** Every setting but `config`, in the order of `options`; a file of them gives the same settings. */
  readonly effective: readonly Effective[];
  /**
   * The error to throw for one that came up later: for a `SettingError` a `ConfigError` that begins
   * with the place the value came from, else the same error.
   */
  readonly explain: (error: unknown) => unknown;
  /** Checks other settings by the rules between settings. Throws `ConfigError`. */
  readonly check: (settings: Settings) => void;
}

/** By kebab-case name without `--`; a repeated flag has all its texts. */
export type Flags = Readonly<Record<string, string | readonly string[] | undefined>>;

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
  const explain = (error: unknown): unknown =>
    error instanceof SettingError
      ? new ConfigError(`${subject(error.setting, originOf(error.setting))}: ${error.message}.`)
      : error;
  const check = (settings: Settings): void => {
    try {
      checkRules(settings, originOf);
    } catch (error) {
      throw explain(error);
    }
  };
  try {
    const config = given('config');
    if (config !== undefined) sources.push(readFile(String(readValue(specOf('config'), config))));
    const settings = resolve(readValues(given));
    check(settings);
    const effective = options
      .filter(({ key }) => key !== 'config')
      .map((option) => ({
        name: option.name,
        value: show(option, given(option.name), settings),
        origin: originOf(option.name),
      }));
    return { settings, effective, explain, check };
  } catch (error) {
    throw explain(error);
  }
}

/** The flags that were given; an empty list counts as not given. */
function readFlags(flags: Flags): Source {
  const source = new Map<string, Given>();
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined || (value.length === 0 && Array.isArray(value))) continue;
    source.set(name, { value, origin: { from: 'flag', detail: `--${name}` } });
  }
  return source;
}

const defaults: Source = new Map(
  options.flatMap(({ name, default: value }) =>
    value === undefined ? [] : [[name, { value, origin: byDefault }]],
  ),
);

/** Parses each setting by itself. */
function readValues(given: (name: string) => Given | undefined): Values {
  const values: Partial<Record<keyof Values, unknown>> = {};
  for (const option of options) {
    const written = given(option.name);
    if (written !== undefined) values[option.key] = readValue(option, written);
    else if (option.list) values[option.key] = [];
  }
  return values as unknown as Values; // the table's type ties each key to its shape
}

function readValue({ name, shape }: OptionSpec, { value }: Given): unknown {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  throw new SettingError(name, result.error.issues[0]?.message ?? 'cannot be used');
}

function specOf(key: keyof Values): OptionSpec {
  const option = options.find((each) => each.key === key);
  if (option === undefined) throw new Error(`${key} is not a setting`);
  return option;
}

/** The settings that depend on others, or on files. */
function resolve(values: Values): Settings {
  const { config, cacert, cert, key, tlsCert, tlsKey, clientCa, user, ...rest } = values;
  const certificateFiles = present({ cacert, cert, key, tlsCert, tlsKey, clientCa });
  // As in etcdctl, a certificate implies https.
  const isHttps = [cacert, cert, key].some(Boolean) || rest.tls === 'originate';
  const etcdUser = loadUser(user, rest.passwordFile);
  return {
    ...rest,
    name: values.name ?? os.hostname(),
    endpoints: readEndpoints(rest.endpoints, isHttps ? 'https' : 'http'),
    certificates: loadCertificates(certificateFiles),
    certificateFiles,
    ...present({ etcdUser, configFile: config }),
  };
}

/** The properties that are not undefined. */
function present<T extends object>(properties: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(properties).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function readEndpoints(words: readonly string[], scheme: Scheme): Endpoint[] {
  try {
    return parseEndpoints(words, scheme);
  } catch (error) {
    throw new SettingError('endpoints', (error as Error).message);
  }
}

function show({ key, list }: OptionSpec, written: Given | undefined, settings: Settings): string {
  if (key === 'endpoints') return settings.endpoints.map(formatNamedEndpoint).join(',');
  if (written === undefined) return '';
  return list ? splitList(written.value).join(',') : String(written.value);
}
