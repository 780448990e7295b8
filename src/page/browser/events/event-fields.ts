/** What the fields of an event say, whatever its kind. Pure. */

/** "evidence.detail" and the like with their values as text; what is not set is left out. */
export function flat(
  fields: Readonly<Record<string, unknown>>,
  before = '',
): readonly (readonly [string, string])[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined || value === null) return [];
    if (typeof value === 'object' && !Array.isArray(value)) {
      return flat(value as Record<string, unknown>, `${before}${name}.`);
    }
    const text = Array.isArray(value) ? value.join(', ') : String(value);
    return text === '' ? [] : [[before + name, text] as const];
  });
}
