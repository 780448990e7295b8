/** For commander: names with commas in between to what has them. */
import { InvalidArgumentError } from 'commander';

export function pickFrom<T extends { readonly name: string }>(
  all: readonly T[],
): (text: string) => T[] {
  return (text) =>
    text.split(',').map((name) => {
      const found = all.find((each) => each.name === name.trim());
      if (found) return found;
      throw new InvalidArgumentError(`There are ${all.map((each) => each.name).join(', ')}.`);
    });
}

/** As pickFrom, for words and numbers themselves. */
export function listOf<T extends string | number>(all: readonly T[]): (text: string) => T[] {
  const pick = pickFrom(all.map((value) => ({ name: String(value), value })));
  return (text) => pick(text).map(({ value }) => value);
}
