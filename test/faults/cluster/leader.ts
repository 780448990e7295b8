/** Who leads, asked of the members themselves and not through any contestant. */
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../load/plan.ts';
import type { FaultCluster, FaultMember } from './member.ts';

interface MemberView {
  readonly member: FaultMember;
  /** Its own id. */
  readonly id: string | undefined;
  /** The id of the member that it takes for the leader; `0` for none. */
  readonly leader: string | undefined;
}

/** Who leads by the word of a majority. Throws after 30 s without. */
export async function leaderOf(cluster: FaultCluster): Promise<FaultMember> {
  for (const deadline = now() + 30_000; now() < deadline; await delay(20)) {
    const leader = leaderIn(await views(cluster.members), cluster.members.length);
    if (leader) return leader;
  }
  throw new Error('Waited 30 s for a leader, in vain.');
}

export async function followerOf(cluster: FaultCluster): Promise<FaultMember> {
  const leader = await leaderOf(cluster);
  const follower = cluster.members.find(({ name }) => name !== leader.name);
  if (follower === undefined) throw new Error('The cluster has no follower.');
  return follower;
}

/** The moment (ms) when the others agree on another leader than `lost`, seen to about 20 ms. */
export async function electedWithout(cluster: FaultCluster, lost: FaultMember): Promise<number> {
  const others = cluster.members.filter((member) => member !== lost);
  for (const deadline = now() + 30_000; now() < deadline; await delay(20)) {
    if (leaderIn(await views(others), cluster.members.length)) return now();
  }
  throw new Error(`Waited 30 s for a leader instead of ${lost.name}, in vain.`);
}

function leaderIn(all: readonly MemberView[], size: number): FaultMember | undefined {
  return all.find(
    ({ id }) => id !== undefined && all.filter(({ leader }) => leader === id).length > size / 2,
  )?.member;
}

async function views(members: readonly FaultMember[]): Promise<MemberView[]> {
  return await Promise.all(members.map(view));
}

async function view(member: FaultMember): Promise<MemberView> {
  try {
    const answer = await fetch(`${member.clientUrl}/v3/maintenance/status`, {
      method: 'POST',
      body: '{}',
      // A connection of its own, so that none of ours is counted among the clients' for long.
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(200),
    });
    const { header, leader } = (await answer.json()) as {
      header?: { member_id?: string };
      leader?: string;
    };
    return { member, id: header?.member_id, leader };
  } catch {
    return { member, id: undefined, leader: undefined };
  }
}
