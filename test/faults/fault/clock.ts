/**
 * The wall clock of the balancer is stepped by an hour, forth and back. libfaketime does it, for one
 * process; a time namespace would move only the monotonic clock, which is the one that must not
 * move. The gateway is a static Go program that no library can be put in front of: nothing happens
 * to it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdLb } from '../../contestants/etcd-lb.ts';
import { findFaketime } from '../../machine/programs.ts';
import { atLeast, atMost, type Fault, within } from '../fault.ts';
import { secondsToHealth } from './names.ts';
import { evictedFrom, known } from './sessions.ts';

/** libfaketime looks into its file once a second. */
const noticed = 1_500;
const hour = 3_600;

export const clockStepped: Fault = {
  name: 'clock-stepped',
  what: 'the wall clock of the balancer stepped an hour forth, then back',
  members: 3,
  network: 'loopback',
  needsProcess: true,
  async props(_endpoints, _parts, folder) {
    const library = await findFaketime();
    const file = join(folder, 'clock');
    const stepClock = (seconds: number) => writeFile(file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    await stepClock(0);
    return {
      stepClock,
      env: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_CACHE_DURATION: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    };
  },
  async act(scene) {
    const { cluster, etcdLb, props } = scene;
    const before = await evictedFrom(scene, cluster.members);
    scene.breaking();
    await props.stepClock?.(hour);
    await delay(noticed + 1_500);
    const stepped =
      etcdLb && Math.max(...(await lastChecks(etcdLb))) - Date.now() > (hour * 1_000) / 2;
    await props.stepClock?.(-hour);
    await delay(noticed + 1_500);
    await props.stepClock?.(0);
    await delay(noticed);
    const recovered = await secondsToHealth(scene);
    const after = await evictedFrom(scene, cluster.members);
    return {
      ...known('recovered', recovered),
      ...known('evictedWrongly', after === undefined ? undefined : after - (before ?? 0)),
      ...known('saidSo', stepped === undefined ? undefined : Number(stepped)),
    };
  },
  bounds: ({ load, figures }) => [
    atMost(0, 'failed requests', load?.failed),
    within(15, 'seconds until every member is healthy again', figures.recovered),
    atMost(0, 'sessions evicted', figures.evictedWrongly),
    within(500, 'longest gap (ms)', load?.longestGap),
    atLeast(1, 'its clock was indeed stepped', figures.saidSo),
  ],
};

/** When its members were checked last, by its own clock, ms. */
async function lastChecks(etcdLb: EtcdLb): Promise<number[]> {
  const { members } = await etcdLb.status();
  return members.map(({ lastCheck }) => Date.parse(lastCheck?.at ?? ''));
}
