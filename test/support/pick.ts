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
