/** What a reload changes: the settings in force beside those that were just loaded. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Effective, Loaded } from './load.ts';
import { options } from './options.ts';
import type { Settings } from './settings.ts';

export interface Changes {
  /** To put in force: the new ones, but for those that are only read at the start. */
  readonly settings: Settings;
  /** Names of settings that change, kebab-case, in the order of `options`. */
  readonly changed: readonly string[];
  /** Names of those that differ and would change only with a restart. */
  readonly waiting: readonly string[];
}

/**
 * @param now in force.
 * @param before what the settings in force were made of.
 * @param started what the settings of the start were made of.
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
  // The paths may be the same, and what the files hold another.
  const isRenewed = !isDeepStrictEqual(now.certificates, settings.certificates);
  const isOtherUser = !isDeepStrictEqual(now.etcdUser, settings.etcdUser);
  return {
    settings: Object.fromEntries(merged) as unknown as Settings,
    changed: [
      ...differing(before).filter((name) => !fixedNames.includes(name)),
      ...(isRenewed ? ['certificates'] : []),
      ...(isOtherUser ? ['password'] : []),
    ],
    waiting: differing(started).filter((name) => fixedNames.includes(name)),
  };
}
