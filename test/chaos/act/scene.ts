/** What a step can lay hands on. */
import { now } from '../clients/record.ts';
import type { ChaosBalancer } from '../scene/balancer.ts';
import type { ChaosCluster, ChaosMember, Mend } from '../scene/cluster.ts';
import type { Configuration } from '../scene/configuration.ts';
import type { Hits } from '../scene/hit.ts';
import type { Names } from '../scene/names.ts';
import type { Reference } from '../scene/reference.ts';
import type { Truth } from '../scene/truth.ts';
import type { Random } from '../schedule/random.ts';
import type { Step } from '../schedule/schedule.ts';
import type { Setting } from '../schedule/setting.ts';

export interface Scene {
  readonly setting: Setting;
  readonly cluster: ChaosCluster;
  readonly truth: Truth;
  readonly reference: Reference;
  /** Where the balancer knows members by name. */
  readonly names: Names | undefined;
  readonly balancer: ChaosBalancer;
  readonly configuration: Configuration;
  readonly hits: Hits;
  readonly random: Random;
  /** Members that are to be drained at the end, by their own names. */
  readonly drained: Set<string>;
  /** The store's revision when the clients began to work. */
  readonly firstRevision: number;
  /** Makes the balancer's certificate and key anew, in the files where it reads them. */
  readonly renew: (() => Promise<void>) | undefined;
  /** Keeps what was done and seen, to be printed beside the logs. */
  readonly note: (what: string) => void;
  /** Something is wrong that no later check would see. */
  readonly complain: (what: string) => void;
}

/** Carries a step out; what it resolves with takes it back. */
export type Act = (scene: Scene, step: Step, member: ChaosMember) => Promise<Mend | undefined>;

/** The name of who leads now, as far as the members have said. */
export function leaderOf({ truth }: Scene): string | undefined {
  return truth.leaderAt(now());
}

export function leads(scene: Scene, { name }: ChaosMember): boolean {
  return leaderOf(scene) === name;
}

/** The reach of what befalls a member: everybody's writes go by the leader. */
export function reachOf(scene: Scene, member: ChaosMember): 'everywhere' | { member: string } {
  return leads(scene, member) ? 'everywhere' : { member: member.name };
}
