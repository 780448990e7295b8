/** Lists as people paste them: `a,b`, `a b`, `a, b, `, or already apart. */

/** The words of a list separated by commas, white space or both. */
export function splitList(text: string | readonly string[]): string[] {
  return [text].flat().flatMap((part) => part.split(/[\s,]+/).filter((word) => word !== ''));
}
