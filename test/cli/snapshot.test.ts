/** `etcd-lb snapshot` as people call it, with real members: what it prints, what it leaves behind, how it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { inspectSnapshot, isWhole } from '../../src/snapshot/file/inspect.ts';
import { etcdLb } from '../support/balancer.ts';
import { etcd3, etcdctl } from '../support/clients.ts';

let etcd: EtcdBinary;
let cluster: LocalCluster;
let endpoints: string;
let folder: string;
const off = ['--admin-socket', 'off'];
const program = [join(import.meta.dirname, '../../src/cli/main.ts')];

beforeAll(async () => {
  etcd = await findEtcd();
  cluster = await startLocalCluster({ etcd, size: 3 });
  endpoints = cluster.members.map(({ name, clientUrl }) => `${name}=${clientUrl}`).join();
  const writer = etcd3(cluster.endpoints);
  for (let index = 0; index < 20; index += 1) {
    await writer.put(`bulk/${index}`).value(Buffer.alloc(500_000, index));
  }
  writer.close();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-snapshot-'));
});
afterEach(() => rm(folder, { recursive: true }));

const save = (file: string, ...flags: string[]) =>
  etcdLb(['snapshot', 'save', file, '--endpoints', endpoints, ...off, ...flags]);

describe('snapshot save', () => {
  test('says what it saved and from whom, and etcdctl says the same', async () => {
    const file = join(folder, 'etcd.db');
    const { code, stdout, stderr } = await save(file);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [, from, revision] =
      /^Saved .*etcd\.db from (m\d): \d+ MB in [\d.]+ s, revision (\d+), 3 members\.\n$/.exec(
        stdout,
      ) ?? [];
    expect(from).not.toBe((await cluster.leader()).name);
    const ctl = etcdctl(etcd, cluster.endpoints[0] ?? '');
    const told = JSON.parse(await ctl('snapshot', 'status', file, '-w', 'json'));
    expect(told).toMatchObject({ revision: Number(revision) });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['etcd.db']);
  });

  test('takes it from the member that is named, for programs as JSON, and into a pipe', async () => {
    const { name } = await cluster.leader();
    const file = join(folder, 'etcd.db');
    const saved = await save(file, '--from', name, '-o', 'json');
    expect(JSON.parse(saved.stdout)).toMatchObject({ file, from: name, members: 3 });
    const pipe = ['sh', '-c', `"$@" | cat > ${join(folder, 'piped.db')}`, 'sh'];
    const { stderr } = await etcdLb(
      ['snapshot', 'save', '-', '--endpoints', endpoints, ...off],
      {},
      pipe,
    );
    expect(stderr).toMatch(/^The snapshot of m\d is whole: /);
    expect(isWhole(inspectSnapshot(join(folder, 'piped.db')))).toBe(true);
  });

  test.each([
    [
      'a file that is there',
      async () => writeFile(join(folder, 'x'), 'old'),
      'x',
      [],
      2,
      /x is there already; write another name, or --force\.$/,
    ],
    [
      'a folder that is not there',
      async () => {},
      'no/x',
      [],
      1,
      /cannot be written to .*no\/x: no such file or directory\.$/,
    ],
    [
      'a member that is none',
      async () => {},
      'x',
      ['--from', 'm9'],
      2,
      /--from: m9 is not a member; write one of m0, m1, m2\.$/,
    ],
    [
      'a rate that is none',
      async () => {},
      'x',
      ['--max-rate', 'fast'],
      2,
      /--max-rate: "fast" is not a size; write one such as 20MB or 16MiB\.$/,
    ],
  ] as const)('refuses %s', async (_, prepare, name, flags, code, says) => {
    await prepare();
    const before = await readdir(folder);
    const refused = await save(join(folder, name), ...flags);
    expect(refused.code).toBe(code);
    expect(refused.stderr.trimEnd()).toMatch(says);
    expect(await readdir(folder)).toEqual(before);
  });

  test('leaves nothing on a disk that is full, and says so', async () => {
    const place = join(folder, 'small');
    await mkdir(place);
    const script = `mount -t tmpfs -o size=4m small ${place} && "$@"; code=$?; ls -A ${place}; exit $code`;
    const own = ['unshare', '--mount', '--map-root-user', 'sh', '-c', script, 'sh'];
    const args = ['snapshot', 'save', join(place, 'x.db'), '--endpoints', endpoints, ...off];
    const refused = await etcdLb(args, {}, own);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/cannot be written to .*x\.db: no space left on device\.$/m);
  });

  test('says why when no member can be asked', async () => {
    const refused = await etcdLb([
      'snapshot',
      'save',
      join(folder, 'x'),
      '--endpoints',
      'cp1=http://127.0.0.1:1',
      ...off,
    ]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      'No snapshot was taken: cp1: connect ECONNREFUSED 127.0.0.1:1.',
    );
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('snapshot status', () => {
  test('tells a whole one from a damaged one, and says what it cannot read', async () => {
    const file = join(folder, 'etcd.db');
    await save(file);
    const whole = await etcdLb(['snapshot', 'status', file]);
    expect(whole).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/revision \d+, .* 3 members; its hash matches\.$/m),
    });
    const damaged = join(folder, 'damaged.db');
    await copyFile(file, damaged);
    await truncate(damaged, 1_000_000);
    const cut = await etcdLb(['snapshot', 'status', damaged, '-o', 'json']);
    expect(cut.code).toBe(1);
    expect(JSON.parse(cut.stdout)).toMatchObject({
      whole: false,
      hash: 'none',
      unread: expect.stringMatching(/^it has 1000000 bytes and needs/),
    });
    const gone = await etcdLb(['snapshot', 'status', join(folder, 'gone')]);
    expect(gone).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be read: no such file or directory.'),
    });
  });
});

describe('kills at random moments', () => {
  test('of members and of the program leave no file that is not whole', async () => {
    const outcomes: string[] = [];
    for (let round = 0; round < 8; round += 1) {
      const file = join(folder, `${round}.db`);
      // 10 MB in about half a second.
      const child = spawn(
        process.execPath,
        [
          ...program,
          'snapshot',
          'save',
          file,
          '--endpoints',
          endpoints,
          ...off,
          '--max-rate',
          '20MB',
        ],
        { stdio: 'ignore' },
      );
      const ended = once(child, 'exit');
      await delay(400 + Math.random() * 700);
      const member = cluster.members[round % 3];
      if (round % 2 === 0) child.kill('SIGKILL');
      else await member?.kill('SIGKILL');
      const [code] = await ended;
      outcomes.push(`${code}`);
      if (round % 2 === 1) await member?.start();
      await cluster.ready();
    }
    // What is killed at once names nothing; what survives has gone on with another member.
    expect(outcomes).toContain('null');
    const named = (await readdir(folder)).filter(
      (name) => name.endsWith('.db') && !name.startsWith('.'),
    );
    for (const name of named) {
      expect(isWhole(inspectSnapshot(join(folder, name))), `${name} of ${named}`).toBe(true);
    }
    // The next attempt removes what the killed ones left, once nobody can be writing it any more.
    const left = (await readdir(folder)).filter((name) => name.endsWith('.part'));
    const long = new Date(Date.now() - 3_600_000);
    for (const name of left) await utimes(join(folder, name), long, long);
    expect((await save(join(folder, 'last.db'))).code).toBe(0);
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  }, 60_000);
});
