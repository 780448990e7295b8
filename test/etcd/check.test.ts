/**
 * `etcd-lb check` against real clusters in every condition that can be brought about on one machine,
 * in both releases of etcd. What only its figures could show is in test/unit/check.
 */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { freePorts } from '../../src/demo/free-ports.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { type LocalMember, Member } from '../../src/demo/local-member.ts';
import type { Finding } from '../../src/diagnose/finding.ts';
import { readMetricsPage } from '../../src/diagnose/probes/metrics-page.ts';
import { certainlyAhead } from '../../src/diagnose/rules/clocks.ts';
import { etcdLb } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { etcd3, etcdctl } from '../support/clients.ts';

let stable: EtcdBinary;
let next: EtcdBinary;
beforeAll(async () => {
  stable = await findEtcd();
  next = await findEtcd({ release: 'next' });
});

interface Checked {
  readonly code: number | null;
  readonly findings: readonly Finding[];
  /** `error m0: what was seen`, one a line, but for `starvation`. */
  readonly text: string;
  /** The same, of what members count of themselves: of a busy machine there is more than a test has made. */
  readonly starvation: string;
}

async function check(endpoints: readonly string[], ...flags: string[]): Promise<Checked> {
  const all = ['check', '--json', '--endpoints', endpoints.join(), ...flags];
  const { code, stdout, stderr } = await etcdLb(all);
  expect(stderr).toBe('');
  const { exitCode, findings } = JSON.parse(stdout) as { exitCode: number; findings: Finding[] };
  expect(exitCode).toBe(code);
  for (const { seen, why, mend } of findings) {
    expect(seen).toMatch(/[^.]$/);
    expect(why).toMatch(/^[A-Z].*\.$/);
    expect(mend).toMatch(/^[A-Z].*\.$/);
  }
  const lines = findings.map(({ severity, subject, seen }) => `${severity} ${subject}: ${seen}`);
  const isCounted = (line: string): boolean => line.includes(' since the process started');
  return {
    ...{ code, findings },
    text: lines.filter((line) => !isCounted(line)).join('\n'),
    starvation: lines.filter(isCounted).join('\n'),
  };
}

/** Holds once it does: a busy machine makes members late, of which a check then tells. */
function settled(holds: () => Promise<void>): Promise<void> {
  return vi.waitFor(holds, { timeout: 20_000, interval: 200 });
}

/** `m0=http://127.0.0.1:…` */
function named(cluster: LocalCluster): string[] {
  return cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`);
}

const figures = new URL('../../src/diagnose/rules/figures.ts', import.meta.url);
const notFive = 'note cluster: 3 voting members, and 5 are recommended for production';

describe.each(['stable', 'next'] as const)('a cluster of the %s release', (release) => {
  const parts = new AsyncDisposableStack();
  let etcd: EtcdBinary;
  let cluster: LocalCluster;
  beforeAll(async () => {
    etcd = release === 'stable' ? stable : next;
    cluster = parts.use(await startLocalCluster({ etcd, size: 3 }));
  });
  afterAll(() => parts.disposeAsync());

  test('that is well has notes only', async () => {
    await settled(async () => {
      const { code, text, starvation } = await check(named(cluster));
      expect({ code, text }).toEqual({ code: starvation === '' ? 0 : 1, text: notFive });
    });
  });

  test('with a member that is not named', async () => {
    await settled(async () => {
      const { code, findings, text } = await check(named(cluster).slice(0, 2));
      expect(code).toBe(1);
      expect(text).toBe(
        `warning m2: a member of the cluster that is not in --endpoints\n${notFive}`,
      );
      expect(findings[0]?.mend).toBe(
        `Add ${cluster.endpoints[2]} to --endpoints, or write --discovery members.`,
      );
    });
  });

  test('with a member that is named twice', async () => {
    const again = `again=${cluster.endpoints[0]?.replace('127.0.0.1', 'localhost')}`;
    await settled(async () => {
      const { code, text } = await check([...named(cluster), again]);
      expect({ code, text }).toEqual({
        code: 1,
        text: `warning again: the same member as m0\n${notFive}`,
      });
    });
  });

  test('with a learner, before and after it starts', async () => {
    const [clientPort = 0, peerPort = 0] = await freePorts(2);
    const peerUrl = `http://127.0.0.1:${peerPort}`;
    const run = etcdctl(etcd, cluster.endpoints[0] ?? '');
    const add = ['member', 'add', 'late', '--learner', '--peer-urls', peerUrl];
    let id = '';
    // Refused in the first five seconds after the members have met; one that is late is done all the same.
    const known = async () => {
      await run(...add).catch(() => {});
      const members = (await run('member', 'list')).split('\n');
      id = members.find((line) => line.includes(peerUrl))?.split(',')[0] ?? '';
      return id;
    };
    await expect.poll(known, { timeout: 20_000 }).not.toBe('');
    await using _ = { [Symbol.asyncDispose]: async () => void (await run('member', 'remove', id)) };
    await settled(async () => {
      const unstarted = await check(named(cluster));
      expect(unstarted.text).toBe(
        `warning ${id}: was added to the cluster and has never started\n${notFive}`,
      );
    });

    const clientUrl = `http://127.0.0.1:${clientPort}`;
    const place = { name: 'late', clientPort, clientUrl, peerUrl };
    const flags = ['--initial-cluster-state', 'existing', ...flagsOf([...cluster.members, place])];
    const learner = new Member(place, cluster.folder, etcd.etcd, flags, undefined);
    await using __ = { [Symbol.asyncDispose]: () => learner.retire() };
    await learner.start();
    const endpoints = [...named(cluster), `late=${clientUrl}`];
    await expect
      .poll(async () => (await check(endpoints)).text, { timeout: 20_000 })
      .toBe(`warning late: a learner\n${notFive}`);
    expect((await check(named(cluster))).text).toContain('note late: a learner');
  });

  test('keeps the figures that are looked at', async () => {
    const looked = (await readFile(figures, 'utf8')).matchAll(/'((?:etcd|process)_\w+)'/g);
    const series = [...looked].map(([, name = '']) => name);
    expect(series).toHaveLength(11);
    const url = cluster.endpoints[0] ?? '';
    const missing = async () => {
      const { metrics, clock } = await readMetricsPage({ url, tls: {}, timeout: 2_000 });
      expect(clock && certainlyAhead(clock)).toBe(0);
      const samples = metrics.kind === 'read' ? metrics.samples : [];
      const kept = new Set(samples.map(({ name }) => name.replace(/_bucket$/, '')));
      return [...series, 'etcd_server_quota_backend_bytes'].filter((name) => !kept.has(name));
    };
    // Peers are asked every four seconds only.
    await expect.poll(missing, { timeout: 20_000 }).toEqual([]);
  });

  test('with a member that hangs, then is killed, then another', async () => {
    const [first, second] = cluster.members;
    if (first === undefined || second === undefined) throw new Error('no members');
    first.pause();
    const hung = await check(named(cluster));
    expect(hung.code).toBe(2);
    expect(hung.text).toContain('error m0: cannot be reached: timed out after 2s');
    expect(hung.findings.filter(({ subject }) => subject === 'm0')).toHaveLength(1);

    await first.kill();
    await cluster.leader();
    await expect
      .poll(() => check(named(cluster)), { timeout: 20_000 })
      .toMatchObject({
        code: 2,
        text:
          `error m0: cannot be reached: connect ECONNREFUSED 127.0.0.1:${first.clientPort}\n` +
          'warning cluster: 2 of 3 voting members are known to be healthy, and it takes 2: no other may fail\n' +
          notFive,
      });

    await second.kill();
    await expect
      .poll(async () => (await check(named(cluster))).text, { timeout: 20_000 })
      .toMatch(
        /^error cluster: no quorum: none of its 3 voting members is healthy, and it takes 2\n[\s\S]*error m2: not healthy:/m,
      );

    await cluster.members[2]?.kill();
    const none = await check(named(cluster));
    expect(none.code).toBe(2);
    expect(none.findings.map(({ severity, subject }) => `${severity} ${subject}`)).toEqual([
      'error cluster',
      'error m0',
      'error m1',
      'error m2',
    ]);
    expect(none.text).toMatch(/^error cluster: no quorum: no endpoint is healthy$/m);
  });
});

describe.each(['stable', 'next'] as const)('a database of the %s release', (release) => {
  test('that has reached its quota, in a single member', async () => {
    await using cluster = await startLocalCluster({
      etcd: release === 'stable' ? stable : next,
      size: 1,
      extraArgs: ['--quota-backend-bytes', String(16 * 1024 * 1024)],
    });
    using client = closing(etcd3(cluster.endpoints));
    expect((await check(named(cluster))).text).toBe('warning cluster: a single member');

    const value = Buffer.alloc(1024 * 1024, 'x');
    const fill = async (): Promise<void> => {
      for (let index = 0; index < 40; index += 1) await client.put(`fill/${index}`).value(value);
    };
    await expect(fill()).rejects.toThrow(/space exceeded/);
    const full = await check(named(cluster));
    expect(full.code).toBe(2);
    expect(full.text).toMatch(/^error m0: alarm NOSPACE$/m);
    expect(full.text).toMatch(
      /^(error|warning) m0: the database takes \d+ MB, \d+ % of its quota of 17 MB$/m,
    );
    expect(full.findings.find(({ seen }) => /alarm/.test(seen))?.mend).toMatch(/alarm disarm/);
  });
});

test('a database that is worth defragmenting', async () => {
  await using cluster = await startLocalCluster({ etcd: next, size: 1 });
  using client = closing(etcd3(cluster.endpoints));
  const value = Buffer.alloc(1024 * 1024, 'x');
  for (let index = 0; index < 110; index += 1) await client.put(`fill/${index}`).value(value);
  const { header } = await client.delete().prefix('fill/').exec();
  await client.kv.compact({ revision: header.revision, physical: true });
  const found = /^note m0: [\d.]+ k?M?B of the 1\d\d MB that the database takes hold data$/m;
  await expect
    .poll(async () => (await check(named(cluster))).text, { timeout: 20_000 })
    .toMatch(found);
  await etcdctl(next, cluster.endpoints[0] ?? '')('defrag');
  expect((await check(named(cluster))).text).not.toMatch(found);
}, 60_000);

test.each(['stable', 'next'] as const)(
  'a leader that changes again and again, %s release',
  async (release) => {
    const etcd = release === 'stable' ? stable : next;
    await using cluster = await startLocalCluster({ etcd, size: 3 });
    const run = etcdctl(etcd, cluster.endpoints.join());
    const listed = (await run('member', 'list')).split('\n').map((line) => line.split(', '));
    for (let round = 0; round < 5; round += 1) {
      const { name } = await cluster.leader();
      const [id = ''] =
        listed.find((fields) => fields[2] !== undefined && fields[2] !== name) ?? [];
      await run('move-leader', id);
    }
    const { code, starvation } = await check(named(cluster));
    expect(code).toBe(1);
    expect(starvation).toMatch(
      /^warning cluster: changes of the leader: \d+, counted by m\d since the process started [\d.]+ m?s ago$/m,
    );
  },
);

test('members of two clusters, and of as many as there are members', async () => {
  await using three = await startLocalCluster({ etcd: stable, size: 3 });
  await using one = await startLocalCluster({ etcd: stable, size: 1 });
  const stranger = `stranger=${one.endpoints[0]}`;
  await settled(async () => {
    const mixed = await check([...named(three), stranger]);
    expect(mixed.code).toBe(2);
    expect(mixed.text).toMatch(
      /^error stranger: of cluster [0-9a-f]+, and most are of [0-9a-f]+\nnote cluster: 3 voting/,
    );
  });
  const [first = ''] = named(three);
  await settled(async () => {
    expect((await check([first, stranger])).text).toMatch(
      /^error m0: of cluster \w+, and no cluster has most of them\nerror stranger: of cluster \w+, and/,
    );
  });
});

test('a cluster in the middle of an upgrade', async () => {
  await using cluster = await startLocalCluster({ etcd: stable, size: 3 });
  const [first] = cluster.members;
  if (first === undefined) throw new Error('no members');
  await first.kill();
  const flags = flagsOf(cluster.members);
  const upgraded = new Member(first, cluster.folder, next.etcd, flags, undefined);
  await using _ = { [Symbol.asyncDispose]: () => upgraded.retire() };
  await upgraded.start();
  await expect
    .poll(() => check(named(cluster)), { timeout: 20_000 })
    .toMatchObject({
      code: 1,
      text: `warning cluster: more than one version of etcd: ${stable.version}, ${next.version}\n${notFive}`,
    });
});

test('a cluster with an even number of members', async () => {
  await using cluster = await startLocalCluster({ etcd: stable, size: 2 });
  await settled(async () => {
    expect(await check(named(cluster))).toMatchObject({
      code: 1,
      text: 'warning cluster: an even number of voting members: 2',
    });
  });
});

describe.each(['stable', 'next'] as const)('mutual TLS, %s release', (release) => {
  const parts = new AsyncDisposableStack();
  let certificates: Certificates;
  let cluster: LocalCluster;
  beforeAll(async () => {
    certificates = parts.use(await createCertificates());
    const { ca, server } = certificates;
    cluster = parts.use(
      await startLocalCluster({
        etcd: release === 'stable' ? stable : next,
        size: 3,
        tls: { ca, serverCert: server.cert, serverKey: server.key },
      }),
    );
  });
  afterAll(() => parts.disposeAsync());

  function identity(): string[] {
    const { ca, client } = certificates;
    return ['--cacert', ca, '--cert', client.cert, '--key', client.key];
  }
  const unnamed = /certificate does not name/;

  test('the certificates expire soon, and name the balancer', async () => {
    await settled(async () => {
      const { code, text } = await check(named(cluster), ...identity());
      expect(code).toBe(1);
      expect(text).toMatch(/^warning m0, m1, m2: the server certificate expires in 24 h, on /m);
      expect(text).toMatch(/^warning --cacert: the authority CN=ca expires in 24 h, on /m);
      expect(text).toMatch(/^warning --cert: the client certificate expires in 24 h, on /m);
      expect(text).not.toMatch(unnamed);
      expect(text.split('\n')).toHaveLength(4);
    });
  });

  test('the balancer is where no certificate names it', async () => {
    const listen = ['--listen', '127.0.0.1:12379, 127.0.0.9:12379'];
    await settled(async () => {
      const { code, text } = await check(named(cluster), ...identity(), ...listen);
      expect(code).toBe(1);
      expect(text).toContain(
        'warning m0, m1, m2: the server certificate does not name 127.0.0.9, where --listen has the balancer',
      );
    });
  });

  test('an authority that did not sign them, or no certificate of ours, reaches nobody', async () => {
    const { ca, otherCa } = certificates;
    for (const authority of [ca, otherCa]) {
      await settled(async () => {
        const { code, findings } = await check(named(cluster), '--cacert', authority);
        expect(code).toBe(2);
        const errors = findings.filter(({ severity }) => severity === 'error');
        expect(errors.map(({ subject }) => subject).join(', ')).toBe('cluster, m0, m1, m2');
        for (const { seen, mend } of errors.slice(1)) {
          expect(seen).toMatch(/^TLS with it fails: /);
          expect(mend).toMatch(/--cacert/);
        }
      });
    }
  });
});

test('metrics apart from the client port, which may be closed', async () => {
  const [port = 0] = await freePorts(1);
  await using cluster = await startLocalCluster({
    etcd: next,
    size: 1,
    extraArgs: ['--listen-metrics-urls', `http://127.0.0.1:${port}`],
  });
  await settled(async () => {
    const elsewhere = await check(named(cluster), '--check-url', `http://{host}:${port}`);
    expect(elsewhere.text).toBe('warning cluster: a single member');
  });

  await settled(async () => {
    const closed = await check(['m0=http://127.0.0.1:1'], '--check-url', `http://{host}:${port}`);
    expect(closed).toMatchObject({
      code: 2,
      text: 'error m0: healthy by --check-url, but clients cannot reach it: connect ECONNREFUSED 127.0.0.1:1',
    });
  });
});

test('a clock that is apart', async () => {
  await using cluster = await startLocalCluster({ etcd: stable, size: 1 });
  // In front of a member, and ahead of it by a minute.
  const ahead = await serve(async ({ url = '' }, response) => {
    const answer = await fetch(`${cluster.endpoints[0]}${url}`);
    response.setHeader('Date', new Date(Date.now() + 60_000).toUTCString());
    response.writeHead(answer.status).end(await answer.text());
  });
  await settled(async () => {
    const { code, text } = await check(named(cluster), '--check-url', `http://{host}:${ahead}`);
    expect(code).toBe(1);
    expect(text).toMatch(/^warning m0: its clock is at least \d\d s ahead of this host's$/m);
  });
});

/** What the process of one more member is told, or of one that takes the place of another. */
function flagsOf(members: readonly Pick<LocalMember, 'name' | 'peerUrl'>[]): string[] {
  return [
    ...['--initial-cluster', members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join()],
    ...['--logger', 'zap', '--log-outputs', 'stderr', '--log-level', 'warn'],
  ];
}

/** A server on loopback, closed at the end of the test; resolves with its port. */
async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** An etcd3 client that is closed at the end of its block. */
function closing(client: ReturnType<typeof etcd3>): typeof client & Disposable {
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}
