/** What a reload changes: compares the settings in use with those just loaded. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Effective, Loaded } from './load.ts';
import { options } from './options.ts';
import type { Settings } from './settings.ts';

export interface Changes {
  /** To use from now on: the new ones, except those that only a restart changes. */
  readonly settings: Settings;
  /** Names of settings that change, kebab-case, in the order of `options`. */
  readonly changed: readonly string[];
  /** Names of settings that differ but change only with a restart. */
  readonly waiting: readonly string[];
}

/**
 * @param now the settings in use.
 * @param before what the settings in use were made of.
 * @param started what the settings at the start were made of.
 */
export function changesBetween(
  now: Settings,
  before: readonly Effective[],
  started: readonly Effective[],
  { settings, effective }: Loaded,
): Changes {
  const fixed = options.filter((option) => option.fixed);
  const isFixed = ([key]: readonly [string, unknown]): boolean =>
    fixed.some((option) => option.key === key);
  const merged = [
    ...Object.entries(settings).filter((entry) => !isFixed(entry)),
    ...Object.entries(now).filter(isFixed),
  ];
  const differing = (others: readonly Effective[]): string[] =>
    effective
      .filter(({ name, value }) => others.find((each) => each.name === name)?.value !== value)
      .map(({ name }) => name);
  const fixedNames = fixed.map(({ name }) => name);
  // The files may have changed under the same paths.
  const hasNewCertificates = !isDeepStrictEqual(now.certificates, settings.certificates);
  const hasNewUser = !isDeepStrictEqual(now.etcdUser, settings.etcdUser);
  return {
    settings: Object.fromEntries(merged) as unknown as Settings,
    changed: [
      ...differing(before).filter((name) => !fixedNames.includes(name)),
      ...(hasNewCertificates ? ['certificates'] : []),
      ...(hasNewUser ? ['password'] : []),
    ],
    waiting: differing(started).filter((name) => fixedNames.includes(name)),
  };
}
