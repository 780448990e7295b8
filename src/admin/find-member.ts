/** Which member an operator means. Pure. */
import { nearest } from '../config/nearest.ts';
import type { Drainable } from '../members/drains.ts';
import { OperationRefused } from './refused.ts';

/**
 * The member called `word`: by its name, its id, or its address with or without the scheme. Throws
 * `OperationRefused` when there is none, and suggests the nearest.
 *
 * @param idOf its id in the cluster, in hexadecimal; undefined while unknown.
 */
export function findMember<T extends Drainable>(
  word: string,
  members: readonly T[],
  idOf: (member: T) => string | undefined,
): T {
  const namesOf = (member: T): string[] => {
    const url = member.endpoint.toLowerCase();
    const id = idOf(member);
    return [url, url.replace(/^https?:\/\//, ''), ...(id === undefined ? [] : [id, `0x${id}`])];
  };
  const byName = members.find(({ name }) => name === word);
  const found = byName ?? members.find((member) => namesOf(member).includes(word.toLowerCase()));
  if (found !== undefined) return found;
  const known = members.map(({ name }) => name);
  const meant = nearest(word, [...known, ...members.flatMap(namesOf)]);
  const advice =
    meant === undefined ? `write one of ${known.join(', ')}` : `did you mean ${meant}?`;
  throw new OperationRefused('unknown', `${word} is not a member; ${advice}`);
}
