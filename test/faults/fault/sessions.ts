/** How sessions lie over the members: by etcd-lb's own word, else as the kernel counts them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdLb } from '../../contestants/etcd-lb.ts';
import { connectionsTo } from '../../machine/connections.ts';
import type { FaultMember } from '../cluster/member.ts';
import type { Scene } from '../fault.ts';
import { now } from '../load/plan.ts';

/** Sessions on each member, in their order. */
export async function sessionsPerMember(scene: Scene): Promise<number[]> {
  const { etcdLb, endpoints } = scene;
  if (etcdLb === undefined) return await connectionsTo(endpoints);
  const { members } = await etcdLb.status();
  return members.map(({ sessions }) => sessions);
}

export async function sessionsOn(scene: Scene, { name }: FaultMember): Promise<number> {
  const sessions = await sessionsPerMember(scene);
  return sessions[scene.cluster.members.findIndex((member) => member.name === name)] ?? 0;
}

/** Fullest minus emptiest. */
export function spreadOf(sessions: readonly number[]): number {
  return Math.max(...sessions) - Math.min(...sessions);
}

/**
 * Seconds from now until sessions are spread evenly: within 10 % of the mean, or within two where
 * 10 % are less, since the few clients of a run come and go. Infinity when that takes longer than
 * the pace allows.
 */
export async function secondsToBalance(scene: Scene): Promise<number> {
  const begun = now();
  for (const deadline = begun + scene.pace.balance; now() < deadline; await delay(100)) {
    const sessions = await sessionsPerMember(scene).catch(() => [0, Number.POSITIVE_INFINITY]);
    const mean = sessions.reduce((a, b) => a + b, 0) / sessions.length;
    if (spreadOf(sessions) <= Math.max(2, mean / 10)) return (now() - begun) / 1_000;
  }
  return Number.POSITIVE_INFINITY;
}

/** ms from `since` until etcd-lb sends no new connections there; 15 s at most. */
export async function withdrawnAfter(
  { etcdLb }: Scene,
  { name }: FaultMember,
  since: number,
): Promise<number | undefined> {
  if (etcdLb === undefined) return undefined;
  for (const deadline = now() + 15_000; now() < deadline; await delay(20)) {
    const { acceptsNew } = await etcdLb.member(name);
    if (!acceptsNew) return now() - since;
  }
  return Number.POSITIVE_INFINITY;
}

/**
 * Looks ten times a second whether members get new connections by etcd-lb's word. While it finds
 * nobody healthy they all do.
 */
export class LongestUnused {
  /** ms. */
  longest = 0;
  readonly #etcdLb: EtcdLb;
  #looking: Promise<void> | undefined;
  #stopped = false;

  constructor(etcdLb: EtcdLb) {
    this.#etcdLb = etcdLb;
  }

  start(members: readonly Pick<FaultMember, 'name'>[]): void {
    this.#stopped = false;
    this.#looking = this.#look(members);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looking;
  }

  async #look(members: readonly Pick<FaultMember, 'name'>[]): Promise<void> {
    const since = new Map<string, number>();
    for (; !this.#stopped; await delay(100)) {
      const status = await this.#etcdLb.status();
      for (const { name } of members) {
        const seen = status.members.find((each) => each.name === name);
        if (seen?.acceptsNew || status.mode === 'panic') since.delete(name);
        else if (!since.has(name)) since.set(name, now());
        this.longest = Math.max(this.longest, now() - (since.get(name) ?? now()));
      }
    }
  }
}

/** Sessions that etcd-lb has evicted so far from these members. */
export async function evictedFrom(
  { etcdLb }: Scene,
  members: readonly FaultMember[],
): Promise<number | undefined> {
  if (etcdLb === undefined) return undefined;
  const evicted = await etcdLb.evicted();
  return members.reduce((sum, { name }) => sum + (evicted[name] ?? 0), 0);
}

/** The bounds speak of etcd-lb only; what was not asked stays out of the figures. */
export function known<K extends string>(
  key: K,
  value: number | undefined,
): Partial<Record<K, number>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, number>);
}
