/** What an operator, his scripts and his machine do to the balancer. */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { OrderRefused } from '../scene/balancer.ts';
import type { ChaosMember } from '../scene/cluster.ts';
import { hostName } from '../scene/configuration.ts';
import { policies } from '../schedule/setting.ts';
import type { Act, Scene } from './scene.ts';

const run = promisify(execFile);

/** Gives an order. What is refused is noted, and rightly so where a fault is in its way. */
async function order(scene: Scene, path: string, body?: unknown): Promise<boolean> {
  try {
    await scene.balancer.order(path, body);
    return true;
  } catch (error) {
    if (error instanceof OrderRefused) scene.note(`refused: ${error.message}`);
    else scene.note(`not answered: ${path}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

/** How the admin API is told of a member. */
function calledBy({ setting, configuration }: Scene, member: ChaosMember): string {
  if (setting.discovery !== 'srv') return configuration.nameOf(member);
  return `${hostName(member)}:${new URL(member.clientUrl).port}`;
}

export const drain: Act = async (scene, { way }, member) => {
  const path = `/v1/members/${encodeURIComponent(calledBy(scene, member))}`;
  if (!(await order(scene, `${path}/drain`))) return undefined;
  scene.drained.add(member.name);
  if (way !== 'undrained') return undefined;
  return async () => {
    if (!scene.drained.has(member.name)) return;
    const again = `/v1/members/${encodeURIComponent(calledBy(scene, member))}/undrain`;
    if (await order(scene, again)) scene.drained.delete(member.name);
  };
};

export const moveLeader: Act = async (scene) => {
  await order(scene, '/v1/leader/move');
  return undefined;
};

export const rebalance: Act = async (scene) => {
  await order(scene, '/v1/rebalance');
  return undefined;
};

export async function reload(scene: Scene): Promise<boolean> {
  scene.configuration.write();
  return await order(scene, '/v1/reload', { force: false });
}

export const changeSettings: Act = async (scene, { way }, _) => {
  const { configuration, cluster, random, setting, renew } = scene;
  const member = random.pick(cluster.members.filter(({ state }) => state !== 'removed'));
  const isNamed = setting.discovery !== 'srv';
  if (way === 'weights' && isNamed) configuration.weights = [`${configuration.nameOf(member)}=2`];
  if (way === 'policy')
    configuration.balance = random.pick(policies.filter((each) => each !== 'least-calls'));
  if (way === 'renamed' && (setting.discovery === 'static' || setting.discovery === 'names')) {
    configuration.weights = [];
    configuration.names.set(member.name, `other-${member.name}`);
  }
  if (way === 'certificates') await renew?.();
  if (way === 'nonsense') {
    configuration.nonsense = random.pick([
      { 'no-such-setting': 1 },
      { listen: 'nowhere' },
      { hold: 'x' },
    ]);
    if (await reload(scene)) scene.complain('a reload of nonsense was applied');
    configuration.nonsense = {};
  }
  await reload(scene);
  return undefined;
};

export const closeSessions: Act = async (scene, { amount = 1 }) => {
  const { balancer, hits, note } = scene;
  const hit = hits.begin('sessions were closed by hand', 'everywhere');
  try {
    const sessions = (await balancer.order('/v1/sessions', undefined, 'GET')) as readonly {
      id: number;
    }[];
    const ids = sessions.map(({ id }) => id).slice(0, amount);
    await Promise.all(ids.map((id) => order(scene, `/v1/sessions/${id}/close`)));
  } catch (error) {
    note(`no session was closed: ${error instanceof Error ? error.message : error}`);
  }
  hit.end(300);
  return undefined;
};

export const logLevel: Act = async (scene) => {
  await order(scene, '/v1/log-level', { level: 'trace' });
  await delay(500);
  await order(scene, '/v1/log-level', { level: 'debug' });
  return undefined;
};

export const scrapes: Act = async ({ balancer, note }, { amount = 100 }) => {
  const paths = ['/metrics', '/status', '/readyz', '/livez'];
  const all = Array.from({ length: amount }, (_, index) =>
    balancer.observe(paths[index % paths.length] ?? '/').catch(() => undefined),
  );
  const missing = (await Promise.all(all)).filter((text) => text === undefined).length;
  if (missing > 0) note(`${missing} of ${amount} scrapes were not answered`);
  return undefined;
};

export const handover: Act = async ({ balancer }) => {
  await balancer.handOver();
  return undefined;
};

export const killBalancer: Act = async ({ balancer, hits }) => {
  const hit = hits.begin('the balancer was killed', 'everywhere');
  await balancer.kill();
  return async () => {
    await balancer.start();
    hit.end(500);
  };
};

/** What each process had before, by its id: two of these faults may overlap. */
const limitsBefore = new Map<string, string>();

export const descriptors: Act = async ({ balancer, hits }) => {
  const pid = String(balancer.pid);
  const limits = await run('prlimit', [
    '--pid',
    pid,
    '--nofile',
    '--raw',
    '--noheadings',
    '--output',
    'SOFT,HARD',
  ]);
  const limit = limitsBefore.get(pid) ?? limits.stdout.trim().split(/\s+/).join(':');
  limitsBefore.set(pid, limit);
  const hit = hits.begin('descriptors were used up', 'new-connections');
  // Only the soft limit: the hard one could not be raised again without root.
  await run('prlimit', ['--pid', pid, `--nofile=${balancer.descriptors - 2}:`]);
  return async () => {
    await run('prlimit', ['--pid', pid, `--nofile=${limit}`]).catch(() => {}); // it may have been killed
    hit.end(2_000);
  };
};

/** Stopped altogether, or given a fifth of the time, in slices. */
export const starve: Act = async ({ balancer }, { way }) => {
  if (way === 'stopped') {
    balancer.signal('SIGSTOP');
    return async () => balancer.signal('SIGCONT');
  }
  const stopping = new AbortController();
  const choking = (async () => {
    while (!stopping.signal.aborted) {
      balancer.signal('SIGSTOP');
      await delay(80);
      balancer.signal('SIGCONT');
      await delay(20);
    }
  })();
  return async () => {
    stopping.abort();
    await choking;
  };
};
