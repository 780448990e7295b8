/** Chooses the next leader. Pure. */

import type { MemberStatus } from '../etcd/status/member-status.ts';
import type { Member } from '../members/member.ts';

/** A member that may be asked to lead. */
export interface PossibleLeader {
  readonly member: Member;
  /** Is it healthy, eligible and not drained? */
  readonly serves: boolean;
  /** Its last status. */
  readonly status: Pick<MemberStatus, 'memberId' | 'appliedIndex' | 'isLearner'> | undefined;
}

/** `id` is the id in the cluster, hexadecimal; `why` is a sentence. */
export type Successor =
  | { readonly kind: 'found'; readonly member: Member; readonly id: string }
  | { readonly kind: 'none'; readonly why: string };

/**
 * The member to lead in place of `leader`: `named` if given and able, else the member that has applied most,
 * so that it has nothing to catch up with.
 */
export function successorOf(
  leader: Member,
  members: readonly PossibleLeader[],
  named: Member | undefined,
): Successor {
  if (named === leader) return none(`${leader.name} already leads.`);
  const [best] = members
    .flatMap(({ member, serves, status }) =>
      serves && status?.isLearner === false ? [{ member, ...status }] : [],
    )
    .filter(({ member }) => (named === undefined ? member !== leader : member === named))
    .sort((a, b) => b.appliedIndex - a.appliedIndex);
  if (best !== undefined) return { kind: 'found', member: best.member, id: best.memberId };
  if (named === undefined) {
    return none(`No other member than ${leader.name} can lead: none of them is healthy and votes.`);
  }
  const why = whyNot(members.find(({ member }) => member === named));
  return none(`${named.name} cannot lead: ${why}.`);
}

function whyNot(member: PossibleLeader | undefined): string {
  if (member === undefined) return 'it is not a member';
  if (member.status === undefined) return 'its status is not known yet';
  return member.status.isLearner
    ? 'it is a learner, which does not vote until it is promoted'
    : 'it is not healthy, or drained; see etcd-lb status';
}

function none(why: string): Successor {
  return { kind: 'none', why };
}
