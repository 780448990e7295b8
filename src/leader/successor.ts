/** Who is to lead next. Pure. */

import type { MemberStatus } from '../etcd/status/member-status.ts';
import type { Member } from '../members/member.ts';

/** A member that may be asked to lead. */
export interface PossibleLeader {
  readonly member: Member;
  /** Is it healthy, eligible and not drained? */
  readonly serves: boolean;
  /** What it last said of itself. */
  readonly facts: Pick<MemberStatus, 'memberId' | 'appliedIndex' | 'isLearner'> | undefined;
}

/** `id` is that in the cluster, hexadecimal; `why` is a sentence. */
export type Successor =
  | { readonly kind: 'found'; readonly member: Member; readonly id: string }
  | { readonly kind: 'none'; readonly why: string };

/**
 * The member to lead in place of `leader`: `named` if it can, or else the one that has applied most, so that
 * it has nothing to catch up with first.
 */
export function successorOf(
  leader: Member,
  members: readonly PossibleLeader[],
  named: Member | undefined,
): Successor {
  if (named === leader) return none(`${leader.name} leads already.`);
  const others = members.filter(({ member }) => member !== leader);
  if (named !== undefined) {
    const member = others.find(({ member }) => member === named);
    const why = member === undefined ? 'it is not a member' : whyNot(member);
    if (why !== undefined) return none(`${named.name} cannot lead: ${why}.`);
    return found(member);
  }
  const able = others.filter((member) => whyNot(member) === undefined);
  if (able.length === 0) {
    return none(`No other member than ${leader.name} can lead: none of them is healthy and votes.`);
  }
  return found(able.reduce((best, each) => (applied(each) > applied(best) ? each : best)));
}

function whyNot({ serves, facts }: PossibleLeader): string | undefined {
  if (facts?.isLearner) return 'it is a learner, which does not vote until it is promoted';
  if (facts === undefined) return 'it has not said yet what it is';
  return serves ? undefined : 'it is not healthy, or drained; see etcd-lb status';
}

function applied({ facts }: PossibleLeader): number {
  return facts?.appliedIndex ?? 0;
}

function found(member: PossibleLeader | undefined): Successor {
  const id = member?.facts?.memberId;
  if (member === undefined || id === undefined) return none('Nobody else can lead.');
  return { kind: 'found', member: member.member, id };
}

function none(why: string): Successor {
  return { kind: 'none', why };
}
