/** Who leads, asked of the members themselves and not through any contestant. */
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../load/plan.ts';
import type { FaultCluster, FaultMember } from './member.ts';

interface MemberView {
  readonly member: FaultMember;
  /** Its own id, decimal. */
  readonly id: string | undefined;
  /** The id of the member that it takes for the leader; `0` for none. */
  readonly leader: string | undefined;
  readonly term: number;
}

/** Who leads by the word of a majority. Throws after 30 s without. */
export async function leaderOf(cluster: FaultCluster): Promise<FaultMember> {
  for (const deadline = now() + 30_000; now() < deadline; await delay(20)) {
    const leader = leaderIn(await views(cluster, cluster.members), cluster.members.length);
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
    if (leaderIn(await views(cluster, others), cluster.members.length)) return now();
  }
  throw new Error(`Waited 30 s for a leader instead of ${lost.name}, in vain.`);
}

/** The term of raft: each election, planned or not, is one more. */
export async function termOf(cluster: FaultCluster): Promise<number> {
  return Math.max(...(await views(cluster, cluster.members)).map(({ term }) => term));
}

/** Asks etcd itself to hand leadership over. Throws what it answers when it does not. */
export async function moveLeader(
  cluster: FaultCluster,
  from: FaultMember,
  to: FaultMember,
): Promise<void> {
  const { id } = await view(cluster, to);
  const { status, text } = await cluster.ask(
    `${from.clientUrl}/v3/maintenance/transfer-leadership`,
    { body: JSON.stringify({ targetID: id }), patience: 10_000 },
  );
  if (status !== 200) throw new Error(`etcd did not move the leader: ${text.trim()}`);
}

function leaderIn(all: readonly MemberView[], size: number): FaultMember | undefined {
  return all.find(
    ({ id }) => id !== undefined && all.filter(({ leader }) => leader === id).length > size / 2,
  )?.member;
}

function views(cluster: FaultCluster, members: readonly FaultMember[]): Promise<MemberView[]> {
  return Promise.all(members.map((member) => view(cluster, member)));
}

async function view({ ask }: FaultCluster, member: FaultMember): Promise<MemberView> {
  try {
    const { text } = await ask(`${member.clientUrl}/v3/maintenance/status`, {
      body: '{}',
      patience: 200,
    });
    const { header, leader, raftTerm } = JSON.parse(text) as {
      header?: { member_id?: string };
      leader?: string;
      raftTerm?: string;
    };
    return { member, id: header?.member_id, leader, term: Number(raftTerm ?? 0) };
  } catch {
    return { member, id: undefined, leader: undefined, term: 0 };
  }
}
