/** Fields in which events name one member, or a list of them. Values of other types are ignored. */
const named = ['member', 'before', 'leader', 'was', 'successor'];
const listed = ['from', 'members'];

/** The members that an event names, by its fields. It works for kinds of later versions too. */
export function membersOf(fields: Readonly<Record<string, unknown>>): readonly string[] {
  const names = [
    ...named.map((name) => fields[name]),
    ...listed.flatMap((name) => (Array.isArray(fields[name]) ? fields[name] : [])),
  ];
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}
