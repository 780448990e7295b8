/**
 * The recipes that bring a cluster back from a snapshot, or from the one member that is left, carried out as they
 * stand in docs/recipes.md, with clients behind the balancer all the time.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { freePorts } from '../../src/demo/free-ports.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { type LocalMember, Member } from '../../src/demo/local-member.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { etcdctl } from '../support/clients.ts';
import { idOf, startAdded } from '../support/joining-member.ts';
import { Load } from '../support/load.ts';
import { Operator } from '../support/operator.ts';
import { blocksUnder, carryOut, type Hands } from '../support/recipe.ts';

const clients = 6;
/** A busy machine needs more than the second that is usual. */
const patience = { timeout: 20_000 };

let parts: AsyncDisposableStack;
let folder: string;
/** Lines of the configuration. */
let tlsSettings: string;
beforeEach(async () => {
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-restore-'));
  parts.defer(() => rm(folder, { recursive: true }));
});
afterEach(() => parts.disposeAsync());

/** The nth block of commands under a heading, from 0. */
async function linesUnder(heading: string, block = 0): Promise<string[]> {
  const lines = (await blocksUnder(heading))[block];
  if (lines === undefined) throw new Error(`no block ${block} under ${heading}`);
  return lines;
}

/** test/docs/recipes.test.ts compares its first three arguments with the table of the page. */
function recipe(heading: string, release: '3.4' | '3.5', mode: string, act: () => Promise<void>) {
  test(`${heading}: etcd ${release}, ${mode}`, act, 60_000);
}

interface Scene {
  readonly etcd: EtcdBinary;
  readonly cluster: LocalCluster;
  readonly balancer: Balancer;
  /** Starts one in its place. */
  readonly start: () => Promise<Balancer>;
  readonly operator: Operator;
  readonly hands: Hands;
  readonly load: Load;
  /** Of etcdctl, and of clients if TLS passes through. */
  readonly certificates: Certificates | undefined;
}

/** @param tls how the balancer treats TLS; undefined: members have none. */
async function begin(
  release: 'stable' | 'next',
  tls?: 'passthrough' | 'originate',
  size: 1 | 3 = 3,
): Promise<Scene> {
  const etcd = await findEtcd({ release });
  const certificates = tls && parts.use(await createCertificates());
  const cluster = parts.use(
    await startLocalCluster({ etcd, size, ...(certificates && { tls: tlsOf(certificates) }) }),
  );
  const adminSocket = join(folder, 'admin.sock');
  const [port = 0] = await freePorts(1);
  tlsSettings = certificates === undefined ? '' : settingsOf(certificates, tls === 'originate');
  await configure(cluster.members);
  const start = async (): Promise<Balancer> =>
    parts.use(
      await Balancer.start([
        ...['--config', join(folder, 'etcd-lb.yaml'), '--listen', `127.0.0.1:${port}`],
        ...['--admin-socket', adminSocket],
        ...['--state-dir', join(folder, 'state'), '--drain-timeout', '1s'],
      ]),
    );
  const balancer = await start();
  await balancer.healthy(cluster.members.map(({ name }) => name));
  const isPlain = tls !== 'passthrough';
  const host = `${isPlain ? 'http' : 'https'}://${balancer.address}`;
  const load = parts.use(new Load(host, clients, 20, isPlain ? {} : { certificates }));
  await load.everyoneServed();
  const hands: Hands = {
    ...{ etcd, adminSocket, certificates, names: { cp1: 'm0' }, values: {}, byHand: {} },
    onDone: async () => {},
  };
  const operator = new Operator(adminSocket);
  return { etcd, cluster, balancer, start, operator, hands, load, certificates };
}

function tlsOf({ ca, server }: Certificates) {
  return { ca, serverCert: server.cert, serverKey: server.key };
}

function settingsOf({ ca, client }: Certificates, originates: boolean): string {
  const own = `cacert: ${ca}\ncert: ${client.cert}\nkey: ${client.key}\n`;
  return originates ? `${own}tls: originate\nplaintext-tcp: on\n` : own;
}

async function configure(
  members: readonly Pick<LocalMember, 'name' | 'clientUrl'>[],
): Promise<void> {
  const endpoints = members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  await writeFile(
    join(folder, 'etcd-lb.yaml'),
    `endpoints: "${endpoints}"\nslow-start: 0\ninspect-interval: 1s\n${tlsSettings}`,
  );
}

/** Carries out the snapshot and the pause, and restores every member without starting it. */
async function restoreAll({ cluster, hands }: Scene, token: string): Promise<void> {
  const $SNAPSHOT = () => join(folder, 'snapshot.db');
  const $CLUSTER = () => cluster.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join();
  for (const member of cluster.members) {
    const data = join(cluster.folder, member.name);
    await carryOut(await linesUnder('Restore', 2), {
      ...{ ...hands, names: { cp1: member.name } },
      values: {
        ...{ $SNAPSHOT, $CLUSTER, $TOKEN: () => token, $CP1_DATA: () => data },
        $CP1_PEER_URL: () => member.peerUrl,
      },
      byHand: {
        'systemctl stop etcd': async () => {
          await member.kill('SIGTERM');
          await rm(data, { recursive: true });
        },
      },
    });
  }
}

/** As "Backup" says; and verified, as "Restore" says. */
async function takeSnapshot({ hands }: Scene): Promise<void> {
  const values = {
    $SNAPSHOT: () => join(folder, 'snapshot.db'),
    '/etc/etcd-lb/etcd-lb.yaml': () => join(folder, 'etcd-lb.yaml'),
  };
  const backup = await linesUnder('Backup');
  await carryOut(backup.slice(0, 1), { ...hands, values });
  await carryOut(await linesUnder('Restore'), { ...hands, values });
}

async function startAll({ cluster, hands }: Scene): Promise<void> {
  const lines = await linesUnder('Restore', 3);
  const starts = cluster.members.map((member) =>
    carryOut(lines, { ...hands, byHand: { 'systemctl start etcd': () => member.start() } }),
  );
  await Promise.all(starts);
}

const readiness = async ({ balancer }: Scene): Promise<string> => {
  const answer = await fetch(`${balancer.observeUrl}/readyz`);
  return `${answer.status} ${(await answer.text()).trim()}`;
};

const check = ({ cluster }: Scene) =>
  etcdLb([
    ...['check', '--endpoints', cluster.endpoints.join(), '--state-dir', join(folder, 'state')],
    ...['--json'],
  ]);

// Clients wait, and nobody gets a member before it is accepted.
recipe('Restore', '3.4', 'plain', async () => {
  const scene = await begin('stable');
  const { cluster, etcd, hands, load, balancer, operator } = scene;
  await takeSnapshot(scene);
  const ctl = etcdctl(etcd, cluster.endpoints[0] ?? '');
  await ctl('put', 'after', 'the snapshot');
  await load.everyoneServed();
  expect(load.errors, balancer.history).toEqual([]);

  await carryOut(await linesUnder('Restore', 1), hands);
  expect(await readiness(scene)).toBe('503 paused by an operator: clients wait');
  expect(await balancer.metric('etcd_lb_paused')).toBe(1);
  const { cluster: before } = await operator.client.status();
  await restoreAll(scene, 'again');
  await startAll(scene);
  const lines = await linesUnder('Restore', 4);
  await carryOut(lines.slice(0, -1), hands);

  // Nobody has reached the restored cluster, and a resume alone does not change that.
  const { cluster: after } = await operator.client.status();
  expect(after).toMatchObject({ replaced: { was: before.clusterId, id: after.clusterId } });
  expect(await balancer.metric('etcd_lb_cluster_replaced')).toBe(1);
  await expect(operator.client.post('/v1/resume', {})).rejects.toThrow(
    `etcd-lb resume --accept-cluster ${after.clusterId}`,
  );
  await expect(operator.client.post('/v1/resume', { acceptCluster: 'abc' })).rejects.toThrow(
    `No member that answers is of cluster abc: they are of ${after.clusterId}.`,
  );
  const { sessions, waitingClients } = await operator.client.status();
  expect([sessions, waitingClients > 0]).toEqual([0, true]);
  expect((await check(scene)).stdout).toContain(
    `it is another one: ${after.clusterId} in place of ${before.clusterId}`,
  );
  expect(balancer.log.filter(({ event }) => event === 'cluster-replaced')).toHaveLength(1);

  await carryOut(lines.slice(-1), hands);
  await load.everyoneServed();
  // Nobody was cut. Whose deadline ended meanwhile, on a slow machine, is what a pause costs.
  expect(load.errors.filter((each) => !/DEADLINE/.test(each))).toEqual([]);
  const failed = load.failures;
  await load.everyoneServed();
  expect(load.failures, balancer.history).toBe(failed);
  expect(await ctl('get', 'after')).toBe('');
  expect(await readiness(scene)).toBe('200 ok');
  const accepted = balancer.log.find(({ event }) => event === 'cluster-accepted');
  expect(accepted?.msg).toMatch(
    /revision of the cluster, \d+, is below \d+, which clients have seen/,
  );
  expect((await check(scene)).stdout).not.toContain('in place of');
});

test('a cluster that is restored without a pause is noticed, and clients wait until it is accepted', async () => {
  const scene = await begin('stable', undefined, 1);
  const { balancer, operator, load } = scene;
  await balancer.logged(({ event }) => event === 'leader-changed');
  await takeSnapshot(scene);
  await restoreAll(scene, 'again');
  await startAll(scene);
  await balancer.logged(({ event }) => event === 'cluster-replaced');
  await vi.waitUntil(async () => (await operator.client.status()).sessions === 0, patience);
  await vi.waitUntil(async () => (await operator.client.status()).waitingClients > 0, patience);
  expect(await readiness(scene)).toMatch(
    /^503 the cluster is another one: id \w+ in place of \w+$/,
  );
  await expect(operator.client.post('/v1/resume', {})).rejects.toThrow('--accept-cluster');
  await operator.client.post('/v1/resume', { acceptCluster: true });
  await load.everyoneServed();
  expect(await readiness(scene)).toBe('200 ok');
  await load[Symbol.asyncDispose]();
}, 60_000);

// The same cluster id, clients are refused, over a restart of the balancer.
recipe('Restore', '3.5', 'passthrough', async () => {
  const scene = await begin('next', 'passthrough');
  const { hands, load, operator, cluster } = scene;
  await takeSnapshot(scene);
  await load.everyoneServed();
  expect(load.errors, scene.balancer.history).toEqual([]);
  await operator.client.post('/v1/pause', { refuse: true });
  expect(await readiness(scene)).toBe('503 paused by an operator: clients are refused');
  await carryOut(await linesUnder('Restore', 1), hands); // and now they wait
  expect(await readiness(scene)).toBe('503 paused by an operator: clients wait');
  await operator.client.post('/v1/pause', { refuse: true });
  await scene.balancer.stop();
  const balancer = await scene.start();
  const { refuse } = (await operator.client.status()).paused ?? {};
  expect(refuse, balancer.history).toBe(true);
  // The token of before: the id is as before, and only the revision tells.
  await restoreAll(scene, cluster.folder);
  await startAll(scene);
  await carryOut((await linesUnder('Restore', 4)).slice(0, 1), hands);
  await balancer.logged(({ event }) => event === 'revision-went-back');
  const resumed = await operator.client.post<{ warnings: string[] }>('/v1/resume', {});
  expect(resumed).toMatchObject({
    warnings: [expect.stringMatching(/^The revision of the cluster, \d+, is below \d+/)],
  });
  await load.everyoneServed();
  const failed = load.failures;
  await load.everyoneServed();
  expect(load.failures, balancer.history).toBe(failed);
  const rejected = await balancer.metric('etcd_lb_rejected_clients_total{reason="paused"}');
  expect(rejected).toBeGreaterThan(0);
});

async function becomesThreeAgain(release: 'stable' | 'next', tls?: 'originate'): Promise<void> {
  const scene = await begin(release, tls);
  const { cluster, etcd, hands, load, balancer, certificates } = scene;
  const [survivor, ...lost] = cluster.members;
  if (survivor === undefined) throw new Error('no member');
  const { clusterId } = (await scene.operator.client.status()).cluster;
  await Promise.all(lost.map((member) => member.kill()));

  const alone = new Member(
    survivor,
    cluster.folder,
    etcd.etcd,
    [
      ...['--logger', 'zap', '--log-outputs', 'stderr', '--force-new-cluster'],
      ...(certificates ? secured(certificates) : []),
    ],
    undefined,
  );
  parts.defer(() => alone.kill());
  const stops = [() => survivor.kill('SIGTERM'), () => alone.kill('SIGTERM')];
  const starts = [
    () => alone.start(),
    async () => {
      await survivor.start();
      await configure([survivor]);
    },
  ];
  await carryOut(await linesUnder('When quorum is lost for good'), {
    ...hands,
    values: { $CP1: () => survivor.clientUrl },
    byHand: {
      'systemctl stop etcd': async () => stops.shift()?.(),
      'systemctl start etcd': async () => starts.shift()?.(),
    },
  });
  await load.everyoneServed();
  const failed = load.failures;
  const members: LocalMember[] = [survivor];
  for (const { name } of lost) members.push(await join3(scene, name, members));
  await load.everyoneServed();
  expect(load.errors.slice(failed), balancer.history).toEqual([]);
  expect((await scene.operator.client.status()).cluster).toMatchObject({
    clusterId,
    healthyVoters: 3,
  });
  await load[Symbol.asyncDispose](); // before the members are
}

recipe('When quorum is lost for good', '3.4', 'plain', () => becomesThreeAgain('stable'));
recipe('When quorum is lost for good', '3.5', 'originate', () =>
  becomesThreeAgain('next', 'originate'),
);

function secured({ ca, server }: Certificates): string[] {
  return [
    ...['--cert-file', server.cert, '--key-file', server.key],
    ...['--client-cert-auth', '--trusted-ca-file', ca],
  ];
}

/** Has a member join, as the recipe says. */
async function join3(
  { cluster, etcd, hands, certificates }: Scene,
  name: string,
  members: readonly LocalMember[],
): Promise<LocalMember> {
  const [clientPort = 0, peerPort = 0] = await freePorts(2);
  const scheme = certificates ? 'https' : 'http';
  const place = {
    ...{ name, clientPort, clientUrl: `${scheme}://127.0.0.1:${clientPort}` },
    peerUrl: `http://127.0.0.1:${peerPort}`,
  };
  let added: Member | undefined;
  const lines = await linesUnder('When quorum is lost for good', 1);
  await carryOut(
    lines.map((line) => line.replaceAll('cp2', 'cp1')),
    {
      ...{ ...hands, names: { cp1: name } },
      values: {
        $OTHERS: () => members.map(({ clientUrl }) => clientUrl).join(),
        '--peer-urls=$NEW_PEER_URL': () => `--peer-urls=${place.peerUrl}`,
        $NEW_ID: () => idOf(place, members, etcd, certificates),
      },
      byHand: {
        'systemctl start etcd': async () => {
          const elsewhere = { ...cluster, folder } as LocalCluster;
          const extra = certificates ? secured(certificates) : [];
          added = await startAdded(elsewhere, members, etcd, place, {}, extra);
          const started = added;
          parts.defer(() => started.kill());
          await configure([...members, started]);
        },
      },
    },
  );
  if (added === undefined) throw new Error('the recipe starts no etcd');
  return added;
}
