/**
 * A schedule: what stands there, and what is done to it when. It is made from a seed, printed, written to a
 * file, and carried out again from that.
 */
import * as z from 'zod';
import { type FaultName, faultNames, faults } from './faults.ts';
import { Random } from './random.ts';
import { discoveries, makeSetting, policies, type Setting, tlsModes } from './setting.ts';

/**
 * Which member is hit, chosen when the step begins: `same` is that of the step before, `another` one that no
 * step has hit yet.
 */
const targets = ['leader', 'follower', 'same', 'another'] as const;
export type Target = (typeof targets)[number];

export interface Step {
  /** ms since the clients work. */
  readonly at: number;
  /** ms; 0 where it does not last. */
  readonly for: number;
  readonly fault: FaultName;
  readonly member?: Target | undefined;
  readonly way?: string | undefined;
  readonly amount?: number | undefined;
}

export interface Schedule {
  readonly seed: number;
  readonly setting: Setting;
  readonly steps: readonly Step[];
}

/** Faults of one schedule: where there is one it is seen alone, with three they meet. */
const counts = [1, 2, 2, 3, 3] as const;
/** How often something of each room is broken, against the others. */
const shares = { member: 3, network: 3, balancer: 4, names: 1, list: 1 } as const;
/** Everything is over by then, ms. */
const horizon = 16_000;

/** The schedule of a seed: the same one each time. */
export function makeSchedule(seed: number): Schedule {
  const random = new Random(seed);
  const setting = makeSetting(random);
  const steps: Step[] = [];
  for (let left = random.pick(counts); left > 0; left -= 1) {
    steps.push(makeStep(random, setting, steps));
  }
  return { seed, setting, steps: steps.sort((a, b) => a.at - b.at) };
}

function makeStep(random: Random, setting: Setting, steps: readonly Step[]): Step {
  const before = steps.at(-1);
  // Two members that were added and cannot start yet take the quorum away for good, whoever balances.
  const isListed = steps.some(({ fault }) => faults[fault].room === 'list');
  const suited = faultNames.filter(
    (name) =>
      (faults[name].suits?.(setting) ?? true) && !(isListed && faults[name].room === 'list'),
  );
  const room = random.pick(
    [...new Set(suited.map((name) => faults[name].room))].flatMap((each) =>
      Array.from({ length: shares[each] }, () => each),
    ),
  );
  const fault = random.pick(suited.filter((name) => faults[name].room === room));
  const { lasts, hits, ways, amount } = faults[fault];
  const length = lasts === undefined ? 0 : random.between(...lasts);
  // Two thirds begin within the one before, which is what is hard.
  const begun = before === undefined ? 1_000 : before.at + 200;
  const latest = Math.max(begun, horizon - length);
  const within = before === undefined ? 3_000 : before.at + Math.max(before.for, 1_000);
  const at = random.between(begun, Math.min(latest, random.chance(0.67) ? within : within + 4_000));
  const others: readonly Target[] = before === undefined ? [] : ['same', 'another'];
  return {
    ...{ at, for: length, fault },
    ...(hits && { member: random.pick<Target>(['leader', 'follower', ...others]) }),
    ...(ways && { way: random.pick(ways) }),
    ...(amount && { amount: random.between(...amount.range) }),
  };
}

const shape = z.strictObject({
  seed: z.int(),
  setting: z.strictObject({
    tls: z.enum(tlsModes),
    discovery: z.enum(discoveries),
    members: z.union([z.literal(3), z.literal(5)]),
    etcd: z.enum(['3.4', '3.5']),
    policy: z.enum(policies),
  }),
  steps: z.array(
    z.strictObject({
      at: z.int().min(0),
      for: z.int().min(0),
      fault: z.enum(faultNames),
      member: z.enum(targets).optional(),
      way: z.string().optional(),
      amount: z.number().optional(),
    }),
  ),
});

/** From a file that was saved or written by hand. Throws an error whose message says what is wrong where. */
export function readSchedule(text: string): Schedule {
  const read = shape.safeParse(JSON.parse(text));
  if (read.success) return read.data;
  throw new Error(z.prettifyError(read.error));
}

/** A line for the setting, and one for each step. */
export function inWords({ seed, setting, steps }: Schedule): readonly string[] {
  const { tls, discovery, members, etcd, policy } = setting;
  return [
    `seed ${seed}: ${members} members of etcd ${etcd}, ${tls}, ${discovery}, ${policy}`,
    ...steps.map((step) => `  ${(step.at / 1_000).toFixed(1).padStart(4)} s  ${stepInWords(step)}`),
  ];
}

export function stepInWords({ fault, member, way, amount, for: length }: Step): string {
  const unit = faults[fault].amount?.unit;
  return [
    ...[fault, member, way],
    amount !== undefined && `${amount} ${unit}`,
    length > 0 && `for ${(length / 1_000).toFixed(1)} s`,
  ]
    .filter(Boolean)
    .join(' ');
}
