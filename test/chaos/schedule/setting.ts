/** What stands there before anything is broken: the cluster, the balancer's modes, its policy. */
import type { Random } from './random.ts';

export const tlsModes = ['plain', 'passthrough', 'terminate', 'originate'] as const;
export type TlsMode = (typeof tlsModes)[number];

/** How the balancer knows its members: by addresses, by host names, by the cluster's list, by SRV records. */
export const discoveries = ['static', 'names', 'members', 'srv'] as const;
export type Discovery = (typeof discoveries)[number];

export const policies = ['least-connections', 'least-calls', 'round-robin', 'leader'] as const;
export type Policy = (typeof policies)[number];

export interface Setting {
  readonly tls: TlsMode;
  readonly discovery: Discovery;
  readonly members: 3 | 5;
  readonly etcd: '3.4' | '3.5';
  readonly policy: Policy;
}

/** May the balancer see calls, so that it moves clients without cutting one? */
export function seesCalls({ tls }: Setting): boolean {
  return tls !== 'passthrough';
}

/** Do members speak TLS to the balancer? */
export function isSecure({ tls }: Setting): boolean {
  return tls === 'passthrough' || tls === 'originate';
}

export function makeSetting(random: Random): Setting {
  const tls = random.pick(tlsModes);
  const suited = policies.filter((policy) => policy !== 'least-calls' || tls !== 'passthrough');
  return {
    tls,
    discovery: random.pick(discoveries),
    members: random.chance(0.7) ? 3 : 5,
    etcd: random.pick(['3.4', '3.5']),
    // The default is what most have.
    policy: random.chance(0.6) ? 'least-connections' : random.pick(suited),
  };
}
