/**
 * What a reload changes: the settings of now beside those that were just loaded. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Effective, Loaded } from './load.ts';
import { options } from './options.ts';
import type { Settings } from './settings.ts';

export interface Changes {
  /** What is to be in force: the new ones, but for those that are only read at the start. */
  readonly settings: Settings;
  /** Names of settings that change, kebab-case, in the order of `options`. */
  readonly changed: readonly string[];
  /** The same of those that differ and would change only with a restart. */
  readonly waiting: readonly string[];
}

/**
 * @param now in force.
 * @param started what the settings of the start were made of.
 */
export function changesBetween(
  now: Settings,
  before: readonly Effective[],
  started: readonly Effective[],
  loaded: Loaded,
): Changes {
  const { settings, effective } = loaded;
  const differs = (name: string, others: readonly Effective[]): boolean =>
    textOf(name, effective) !== textOf(name, others);
  const fixed = options.filter((option) => option.fixed);
  const free = options.filter((option) => !option.fixed && option.key !== 'config');
  const kept = Object.fromEntries(
    fixed
      .map(({ key }) => [key, now[key as keyof Settings]])
      .filter(([, value]) => value !== undefined),
  );
  const others = Object.fromEntries(
    Object.entries(settings).filter(([key]) => !fixed.some((option) => option.key === key)),
  );
  const merged = { ...others, ...kept } as unknown as Settings;
  const changed = free.filter(({ name }) => differs(name, before)).map(({ name }) => name);
  // The same paths, and another content.
  const isRenewed = !isDeepStrictEqual(now.certificates, settings.certificates);
  const isOtherUser = !isDeepStrictEqual(now.etcdUser, settings.etcdUser);
  const contents = [...(isRenewed ? ['certificates'] : []), ...(isOtherUser ? ['password'] : [])];
  return {
    settings: merged,
    changed: [...changed, ...contents],
    waiting: fixed.filter(({ name }) => differs(name, started)).map(({ name }) => name),
  };
}

function textOf(name: string, effective: readonly Effective[]): string | undefined {
  return effective.find((each) => each.name === name)?.value;
}
