/**
 * One schedule, carried out and judged: the scene is built, clients work, steps are taken and taken back,
 * everybody has some seconds to succeed again, and then the whole history is checked.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { acts } from './act/acts.ts';
import type { Scene } from './act/scene.ts';
import { choose } from './act/target.ts';
import type { Finding } from './check/finding.ts';
import { Clients } from './clients/clients.ts';
import { findGoClient } from './clients/go-client.ts';
import { type ClientRecord, now } from './clients/record.ts';
import { type Counts, check, type Evidence } from './judge.ts';
import { keepLogs } from './report.ts';
import { type BuildOptions, type Built, build, prefix } from './scene/build.ts';
import type { Mend } from './scene/cluster.ts';
import { type Schedule, type Step, stepInWords } from './schedule/schedule.ts';
import { settled } from './settle.ts';

export interface Result {
  readonly schedule: Schedule;
  readonly findings: readonly Finding[];
  readonly counts: Counts;
  readonly evidence: Evidence;
  /** With its logs. */
  readonly folder: string;
  /** s. */
  readonly took: number;
}

/** How long a call may take, ms. */
const deadline = 5_000;
/** Clients work for this long at least, ms. */
const shortest = 15_000;
/** Without a fault before the end, so that what comes late is seen, ms. */
const calm = 1_000;

/** Rejects where the scene could not be built, or the harness itself is wrong. */
export async function runSchedule(schedule: Schedule, options: BuildOptions): Promise<Result> {
  const goClient = await findGoClient();
  const begun = performance.now();
  await using parts = new AsyncDisposableStack();
  const built = await build(schedule, options, parts);
  const { scene } = built;
  scene.truth.start();
  const clients = parts.use(await Clients.start(planOf(schedule, built, goClient), options.folder));
  const before = { descriptors: scene.balancer.descriptors, memory: scene.balancer.memory };
  const startedAt = now();
  await Promise.all(schedule.steps.map((step, index) => take(step, index, scene, startedAt)));
  await delay(Math.max(0, startedAt + shortest - now()));
  const mendedAt = now();
  const unsettled = await settled(scene, clients, mendedAt);
  await delay(calm);
  const records: readonly ClientRecord[] = await clients.stop();
  const evidence = await gather(built, records, { before, startedAt, mendedAt });
  const { findings, counts } = check(schedule, evidence);
  if (unsettled.length + findings.length > 0) await keepLogs(scene.cluster.folder, options.folder);
  const took = (performance.now() - begun) / 1_000;
  return {
    schedule,
    findings: [...unsettled, ...findings],
    counts,
    evidence,
    folder: options.folder,
    took,
  };
}

/** Takes a step at its time, and takes it back at the end of its own. */
async function take(step: Step, index: number, scene: Scene, startedAt: number): Promise<void> {
  const wait = (at: number) => delay(Math.max(0, startedAt + at - now()));
  await wait(step.at);
  const member = choose(step, index, scene);
  if (member === undefined) {
    scene.note(`${stepInWords(step)}: nobody is there for it`);
    return;
  }
  scene.note(`${stepInWords(step)}: ${member.name}`);
  let mend: Mend | undefined;
  try {
    mend = await acts[step.fault](scene, step, member);
    await wait(step.at + step.for);
  } finally {
    await mend?.();
    scene.note(`${stepInWords(step)}: over`);
  }
}

function planOf({ seed }: Schedule, { place, etcdctl }: Built, goClient: string | undefined) {
  return {
    ...{ place, prefix, seed, deadline, etcdctl, ...(goClient && { goClient }) },
    ...{ registers: 5, clientsPerRegister: 3, pace: 150, shortLived: 3 },
    ...{ watches: 3, leases: 3, leaseTtl: 10 },
    ...{ largeReaders: 1, largeBytes: 3_500_000, idle: 4 },
  };
}

async function gather(
  { scene, notes, complaints }: Built,
  records: readonly ClientRecord[],
  about: Pick<Evidence, 'before' | 'startedAt' | 'mendedAt'>,
): Promise<Evidence> {
  const { balancer, cluster, reference, truth, hits, configuration } = scene;
  const atEnd = await reference.readAll();
  const readAt = now();
  await reference.collect(await reference.currentRevision());
  const after = await closed(scene);
  const metrics = await balancer.observe('/metrics');
  await balancer.kill('SIGTERM');
  truth.stop();
  return {
    ...about,
    ...{ records, atEnd, readAt, metrics, after, notes, complaints },
    events: reference.events,
    hits: hits.all,
    leaderless: truth.reigns.filter(({ leader }) => leader === undefined),
    log: balancer.log,
    badEnds: balancer.badEnds,
    processes: balancer.processes,
    added: cluster.members.length - configuration.options.setting.members,
    members: cluster.members.map(({ id, name, clientUrl }) => ({ id, name, place: clientUrl })),
  };
}

/** What the balancer holds on to once its clients have left: looked at until it is little, for 5 s. */
async function closed({ balancer }: Scene): Promise<Evidence['after']> {
  let descriptors = balancer.descriptors;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const { sessions } = JSON.parse(await balancer.observe('/status')) as { sessions: number };
    descriptors = balancer.descriptors;
    if (sessions === 0 && attempt > 2) break;
    await delay(100);
  }
  return { descriptors, memory: balancer.memory };
}

/** Where the logs of a schedule are kept. */
export function folderOf(root: string, { seed }: Schedule): string {
  return join(root, `seed-${seed}`);
}
