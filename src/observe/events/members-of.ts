/** Fields in which events name members: alone, or several. Another value there, such as a state, is no list. */
const named = ['member', 'before', 'leader', 'was', 'successor'];
const listed = ['from', 'members'];

/** Whom an event is about, by its fields, whatever its kind: also one of a later version. */
export function membersOf(fields: Readonly<Record<string, unknown>>): readonly string[] {
  const names = [
    ...named.map((name) => fields[name]),
    ...listed.flatMap((name) => (Array.isArray(fields[name]) ? fields[name] : [])),
  ];
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}
