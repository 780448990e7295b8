/**
 * What a fault is run on: which etcd, with or without TLS, how many members. Each combination that is
 * asked for is a run of its own. Pure but for finding the binary.
 */
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import type { Fault } from './fault.ts';

/** The releases of etcd, and by which name of the distribution they are found. */
const releases = { '3.4': 'stable', '3.5': 'next' } as const;
export type EtcdRelease = keyof typeof releases;
export const etcdReleases = Object.keys(releases) as readonly EtcdRelease[];

/** `passthrough`: members and clients speak mutual TLS, through whatever stands between them. */
export const tlsModes = ['plain', 'passthrough'] as const;
export type TlsMode = (typeof tlsModes)[number];

export const sizes = [3, 5] as const;
export type Size = (typeof sizes)[number];

export interface Setting {
  readonly etcd: EtcdRelease;
  readonly tls: TlsMode;
  readonly members: Size;
}

export interface Asked {
  readonly etcd: readonly EtcdRelease[];
  readonly tls: readonly TlsMode[];
  /** Without it every fault has its own size. */
  readonly members?: readonly Size[] | undefined;
}

/**
 * The etcd of a run that names none: the distribution's next release, 3.5 on Debian 12. The leader of
 * an older one revokes leases that clients keep alive when it goes on after a hang (etcd #15247),
 * whoever balances.
 */
export const usualSetting = { etcd: '3.5', tls: 'plain' } as const;

/** Every combination that was asked for and that the fault allows; at least one. */
export function settingsOf(
  { members, anySize, onlyEtcd }: Pick<Fault, 'members' | 'anySize' | 'onlyEtcd'>,
  asked: Asked,
): Setting[] {
  const etcds = onlyEtcd ? [onlyEtcd] : asked.etcd;
  const counts = (anySize && asked.members) || [members];
  return etcds.flatMap((etcd) =>
    asked.tls.flatMap((tls) => counts.map((count) => ({ etcd, tls, members: count }))),
  );
}

export function etcdOf(release: EtcdRelease): Promise<EtcdBinary> {
  return findEtcd({ release: releases[release] });
}

/** `3.5.16` as `3.5`: what `$ETCD` names may be another than the distribution has. */
export function inShort({ version }: Pick<EtcdBinary, 'version'>): string {
  return version.split('.').slice(0, 2).join('.');
}
