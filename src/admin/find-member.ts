/** Which member an operator means. Pure. */
import { nearest } from '../config/nearest.ts';
import { OperationRefused } from './refused.ts';

/** What a member may be called. */
export interface Called {
  readonly name: string;
  /** Its URL. */
  readonly endpoint: string;
  /** Its id in the cluster, in hexadecimal; undefined while it has not told. */
  readonly id: string | undefined;
}

/**
 * The member called `word`: by its name, its id, or its address, with or without the scheme. Throws
 * `OperationRefused` when there is none, naming the nearest.
 */
export function findMember<T extends Called>(word: string, members: readonly T[]): T {
  const byName = members.find(({ name }) => name === word);
  const found = byName ?? members.find((member) => namesOf(member).includes(word.toLowerCase()));
  if (found !== undefined) return found;
  const known = members.map(({ name }) => name);
  const meant = nearest(word, [...known, ...members.flatMap(namesOf)]);
  const advice =
    meant === undefined ? `write one of ${known.join(', ')}` : `did you mean ${meant}?`;
  throw new OperationRefused('unknown', `${word} is none of the members; ${advice}`);
}

function namesOf({ endpoint, id }: Called): string[] {
  const url = endpoint.toLowerCase();
  const names = [url, url.replace(/^https?:\/\//, '')];
  return id === undefined ? names : [...names, id, `0x${id}`];
}
