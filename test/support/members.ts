/** Members as tests need them: a name, and whatever matters there. */
import { Member } from '../../src/members/member.ts';

/** On loopback and port 2379 unless said otherwise. */
export function aMember(
  name: string,
  { host = '127.0.0.1', port = 2379, ...rest }: Partial<Member> = {},
): Member {
  return Object.assign(new Member({ name, scheme: 'http', host, port }), rest);
}
