/** The balancer runs out of file descriptors: its limit is set below what it has open. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { atLeast, atMost, type Fault, within } from '../fault.ts';
import { secondsToHealth } from './names.ts';
import { slowestFirstAnswer } from './quorum.ts';
import { evictedFrom, known } from './sessions.ts';

const run = promisify(execFile);

export const noDescriptors: Fault = {
  name: 'no-descriptors',
  what: 'the descriptor limit of the balancer is reached (EMFILE)',
  members: 3,
  network: 'loopback',
  needsProcess: true,
  async act(scene) {
    const { cluster, contestant, etcdLb, pace } = scene;
    const pid = contestant.child?.pid ?? 0;
    const before = await evictedFrom(scene, cluster.members);
    const logBefore = etcdLb?.log.length ?? 0;
    const limits = await run('prlimit', [
      '--pid',
      String(pid),
      '--nofile',
      '--raw',
      '--noheadings',
      '--output',
      'SOFT,HARD',
    ]);
    const limit = limits.stdout.trim().split(/\s+/).join(':');
    scene.breaking();
    // Only the soft limit: the hard one could not be raised again without root.
    const open = readdirSync(`/proc/${pid}/fd`).length;
    await run('prlimit', ['--pid', String(pid), `--nofile=${open - 5}:`]);
    const [host = '', port = ''] = (contestant.addresses[0] ?? '').split(':');
    const knocking = Array.from({ length: 20 }, () => {
      const socket = connect({ host, port: Number(port) });
      socket.on('error', () => {});
      return socket;
    });
    await delay(pace.hang / 2);
    for (const socket of knocking) socket.destroy();
    await run('prlimit', ['--pid', String(pid), `--nofile=${limit}`]);
    const newClient = await slowestFirstAnswer(scene);
    const recovered = await secondsToHealth(scene);
    const after = await evictedFrom(scene, cluster.members);
    const saidSo = etcdLb?.log
      .slice(logBefore)
      .some((line) => /EMFILE|descriptor|open files/i.test(JSON.stringify(line)));
    return {
      newClient,
      ...known('recovered', recovered),
      ...known('evictedWrongly', after === undefined ? undefined : after - (before ?? 0)),
      ...known('saidSo', saidSo === undefined ? undefined : Number(saidSo)),
    };
  },
  bounds: ({ load, figures }) => [
    // One-shot etcdctl needs a new connection each time, which is what is not to be had.
    atMost(0, 'failed requests of clients that were connected', load?.failedConnected),
    within(15, 'seconds until every member is healthy again', figures.recovered),
    atMost(0, 'sessions evicted', figures.evictedWrongly),
    atLeast(1, 'says so', figures.saidSo),
    within(1_000, 'slowest first answer of a new client afterwards (ms)', figures.newClient),
  ],
};
