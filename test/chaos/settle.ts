/**
 * After the last fault: within ten seconds every client succeeds, no hold lasts, every member is healthy,
 * drains are as ordered, and sessions are spread as the policy says.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Scene } from './act/scene.ts';
import type { Finding } from './check/finding.ts';
import type { Clients } from './clients/clients.ts';
import { now } from './clients/record.ts';
import type { ChaosMember } from './scene/cluster.ts';
import { seesCalls } from './schedule/setting.ts';

/** ms. */
const patience = 10_000;
/** How far members may be apart, as by the default of `--rebalance`. */
const spread = 2;
/** The part that stays for a minute with a member from which many were moved, so that not all move at once. */
const late = 0.3;
/** Watches that are told of something all the time: where their bytes are opaque they are never moved. */
const restless = 4;

interface MemberStatus {
  readonly name: string;
  readonly endpoint: string;
  readonly state: string;
  readonly sessions: number;
  readonly sessionsEnded: { readonly rebalanced: number };
  readonly drain?: unknown;
  readonly unfit?: unknown;
  readonly acceptsNew: boolean;
}

interface Status {
  readonly hold: { readonly current?: { readonly why: string } };
  readonly mode: string;
  readonly cluster: { readonly leader?: string };
  readonly members: readonly MemberStatus[];
}

/** Looks until nothing is amiss, for ten seconds; resolves with what still is. */
export async function settled(
  scene: Scene,
  clients: Clients,
  mendedAt: number,
): Promise<readonly Finding[]> {
  for (;;) {
    const amiss = [...(await unserved(clients, mendedAt)), ...(await unsettled(scene))];
    if (amiss.length === 0) return [];
    if (now() - mendedAt > patience)
      return amiss.map((what) => ({ check: 'settled', what, at: now() }));
    await delay(200);
  }
}

async function unserved(clients: Clients, since: number): Promise<readonly string[]> {
  const progress = await clients.progress();
  return Object.entries(progress.clients)
    .filter(([, at]) => at < since)
    .map(([client]) => `${client} has not succeeded again`);
}

async function unsettled(scene: Scene): Promise<readonly string[]> {
  const { balancer, drained, cluster, configuration, setting } = scene;
  let status: Status;
  try {
    status = JSON.parse(await balancer.observe('/status'));
  } catch (error) {
    return [`/status is not answered: ${error instanceof Error ? error.message : error}`];
  }
  const amiss: string[] = [];
  if (status.hold.current) amiss.push(`a hold lasts: ${status.hold.current.why}`);
  if (status.mode !== 'normal') amiss.push(`the mode is ${status.mode}`);
  const present = cluster.members.filter(({ state }) => state !== 'removed');
  const names = status.members.map((member) => ownNameOf(member, present));
  const wanted = present.map(({ name }) => name);
  if (wanted.toSorted().join() !== names.toSorted().join()) {
    amiss.push(`the members are ${wanted.join()}, the balancer knows ${names.join()}`);
  }
  if (setting.discovery === 'static' || setting.discovery === 'names') {
    const called = status.members.map(({ name }) => name);
    const missing = present
      .map((each) => configuration.nameOf(each))
      .filter((each) => !called.includes(each));
    if (missing.length > 0)
      amiss.push(`nobody is called ${missing.join()}, as the settings have it`);
  }
  for (const [index, { name, state, drain, sessions }] of status.members.entries()) {
    const isToBe = drained.has(names[index] ?? '');
    if (state !== 'healthy') amiss.push(`${name} is ${state}`);
    if (isToBe !== (drain !== undefined)) amiss.push(`${name} is ${isToBe ? 'not ' : ''}drained`);
    if (drain !== undefined && sessions > 0)
      amiss.push(`${name} is drained and has ${sessions} sessions`);
  }
  return [...amiss, ...uneven(scene, status)];
}

/** How many sessions were moved while this member gave some. */
function gave(name: string, { log }: Scene['balancer']): number {
  return log
    .filter(({ event, from }) => event === 'sessions-moved' && (from as string[]).includes(name))
    .reduce((sum, { sessions }) => sum + Number(sessions), 0);
}

/** By where it is: an endpoint keeps the name that the settings give it, whoever is there. */
function ownNameOf({ endpoint }: MemberStatus, present: readonly ChaosMember[]): string {
  const { hostname } = new URL(endpoint);
  const there = present.find((each) => new URL(each.clientUrl).hostname === hostname);
  return there?.name ?? hostname.split('.')[0] ?? endpoint;
}

function uneven(
  { configuration, setting, balancer }: Scene,
  { members, cluster }: Status,
): readonly string[] {
  const serving = members.filter(({ drain, unfit }) => !drain && !unfit);
  const counts = serving.map(({ sessions }) => sessions);
  const total = counts.reduce((sum, each) => sum + each, 0);
  const words = serving.map(({ name, sessions }) => `${name} ${sessions}`).join(', ');
  const { balance, weights } = configuration;
  const most = seesCalls(setting) ? spread : spread + restless;
  if (balance === 'leader') {
    const others = serving.filter(({ name }) => name !== cluster.leader);
    if (others.length === serving.length) return [];
    // By the rule of the balancer: of what a member had, moved sessions included, a part stays.
    const elsewhere = others.reduce((sum, { sessions }) => sum + sessions, 0);
    const moved = others.reduce((sum, { sessionsEnded }) => sum + sessionsEnded.rebalanced, 0);
    return elsewhere > most + late * (elsewhere + moved)
      ? [`most should be with ${cluster.leader}: ${words}`]
      : [];
  }
  if (balance !== 'least-connections' || weights.length > 0) return [];
  const fullest = Math.max(...counts);
  const isLate = serving.some(
    ({ name, sessions }) => sessions === fullest && gave(name, balancer) >= 2 * sessions,
  );
  const apart = fullest - Math.min(...counts);
  return apart > most + (isLate ? late * total : 0) ? [`sessions are uneven: ${words}`] : [];
}
