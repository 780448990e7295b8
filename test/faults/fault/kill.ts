/** A member's process ends (SIGKILL, or SIGTERM in order) and is started again later. */
import { setTimeout as delay } from 'node:timers/promises';
import { electedWithout, followerOf, leaderOf } from '../cluster/leader.ts';
import type { FaultMember } from '../cluster/member.ts';
import {
  atMost,
  type Bound,
  type Fault,
  type Figures,
  type Outcome,
  type Scene,
  within,
} from '../fault.ts';
import { clients } from '../load/plan.ts';
import { secondsToBalance, sessionsOn } from './sessions.ts';

/** How often the leader of the time is ended. */
const ends = 3;

/** Ends it; resolves with how long (ms) it took until the others had a leader. */
export async function ended(
  scene: Scene,
  member: FaultMember,
  signal: NodeJS.Signals,
): Promise<number> {
  const at = scene.breaking(`${signal} to ${member.name}`);
  const [elected] = await Promise.all([electedWithout(scene.cluster, member), member.kill(signal)]);
  scene.servesAgain();
  scene.note(`${member.name} has ended, the others have a leader`);
  return elected - at;
}

async function killed(scene: Scene, member: FaultMember): Promise<Figures> {
  const sessionsThere = await sessionsOn(scene, member);
  const election = await ended(scene, member, 'SIGKILL');
  await delay(Math.max(0, scene.pace.down - election));
  await member.start();
  await scene.cluster.ready();
  return { sessionsThere, election, balanced: await secondsToBalance(scene) };
}

/** Whoever leads then, one after the other. */
async function leadersEnded(scene: Scene, signal: NodeJS.Signals): Promise<Figures> {
  const { cluster, pace } = scene;
  const elections: number[] = [];
  for (let end = 0; end < ends; end += 1) {
    if (end > 0) await delay(pace.calm);
    const leader = await leaderOf(cluster);
    const election = await ended(scene, leader, signal);
    elections.push(election);
    await delay(Math.max(0, pace.back - election));
    await leader.start();
    scene.note(`${leader.name} was started`);
    await cluster.ready();
  }
  return { election: Math.max(...elections), balanced: await secondsToBalance(scene) };
}

function crashBounds({ load, figures }: Outcome): readonly Bound[] {
  const each = load?.faults ?? [];
  return [
    ...each.flatMap(({ failed, election, longestGap }, index) => [
      within(2, `failed calls of crash ${index + 1}`, failed),
      // What is in flight on it is more on a slow machine; without a hold it is some 70.
      atMost(10, `failed calls of crash ${index + 1}, on any machine`, failed),
      within(election + 200, `longest gap of crash ${index + 1} (ms): election, 200`, longestGap),
    ]),
    within(10, 'seconds until sessions are spread', figures.balanced),
  ];
}

/**
 * What a planned change may cost: nothing, and a short silence. One client alone sends only now and
 * then, so that much comes on top of it.
 *
 * What is in flight in that moment may fail, whoever balances. A member without TLS cuts it: with the listener it
 * stops its gRPC server at once ("stopping insecure grpc server due to error" in the log of etcd 3.5). And a read
 * that waits for the word of the leader is told that the leader has changed.
 */
export function plannedBounds(silence: number, { load }: Outcome): readonly Bound[] {
  return [
    within(0, 'failed requests', load?.failed),
    atMost(
      0,
      'failed requests that were not in flight just then',
      load && load.failed - load.inFlight,
    ),
    within(silence, 'longest time without a success (ms)', load?.longestSilence),
    within(silence + clients.every, 'the same of one client (ms)', load?.longestGap),
  ];
}

export const killFollower: Fault = {
  name: 'kill-follower',
  what: 'SIGKILL of a follower, back later',
  members: 3,
  anySize: true,
  network: 'loopback',
  act: async (scene) => killed(scene, await followerOf(scene.cluster)),
  bounds: ({ load, figures }) => [
    atMost(figures.sessionsThere ?? 0, 'failed requests (in flight there)', load?.failed),
    atMost(0, 'requests failed later by the transport', load?.failedLater),
    within(500, 'longest gap (ms)', load?.longestGap),
    within(10, 'seconds until it has its share back', figures.balanced),
  ],
};

export const killLeader: Fault = {
  name: 'kill-leader',
  what: 'SIGKILL of the leader, back later, three in a row',
  members: 3,
  anySize: true,
  network: 'loopback',
  act: (scene) => leadersEnded(scene, 'SIGKILL'),
  bounds: crashBounds,
};

export const termLeader: Fault = {
  ...killLeader,
  name: 'term-leader',
  what: 'SIGTERM of the leader, back later, three in a row',
  act: (scene) => leadersEnded(scene, 'SIGTERM'),
  bounds: (outcome) => [
    ...plannedBounds(250, outcome),
    within(10, 'seconds until sessions are spread', outcome.figures.balanced),
  ],
};
