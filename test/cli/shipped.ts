/**
 * What etcd-lb has to do in whatever form it is shipped, in front of a real etcd: the same from a bundle as from an
 * executable. It runs where neither the sources nor any package is in reach, so that anything it still wanted to read
 * would be missing.
 *
 * How each form is built, and what it is beside that, is left to bundle.test.ts and binary.test.ts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { Finding } from '../../src/diagnose/finding.ts';
import { Balancer, etcdLb, type Program } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { etcd3 } from '../support/clients.ts';
import { ask, connect } from './client.ts';
import { EchoMember } from './echo-member.ts';

/** The tests of `program`, which is there by the time that they run. */
export function itBehaves(program: Program): void {
  const run = (...args: string[]) => etcdLb(args, {}, [], program);
  const parts = new AsyncDisposableStack();
  afterAll(() => parts.disposeAsync());

  test('prints its version and its commands', async () => {
    expect(await run('--version')).toMatchObject({
      code: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    });
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: etcd-lb \[options\] \[command\]\n/);
  });

  test('has its own settings and refuses wrong ones in a sentence', async () => {
    const { stdout } = await run('config', '--endpoints', '127.0.0.1:1');
    expect(stdout).toMatch(/^listen: "127\.0\.0\.1:2379" +# default$/m);
    expect(JSON.parse((await run('version', '-o', 'json')).stdout)).toMatchObject({
      version: manifest.version,
    });
    expect(await run('run', '--endpoints', '')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^etcd-lb: --endpoints: .*\n$/),
    });
    expect(await run('run', '--endpoint', '127.0.0.1:1')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'etcd-lb: --endpoint is not a flag of etcd-lb run; did you mean --endpoints?\n',
    });
  });

  test('has the manifest and the unit that init adapts', async () => {
    const flags = ['init', '--dry-run', '--root', '/nowhere', '--endpoints', 'm0=127.0.0.1:1'];
    const [pod, unit] = await Promise.all(
      ['static-pod', 'systemd'].map((form) => run(...flags, '--as', form)),
    );
    expect(pod).toMatchObject({ code: 0, stdout: expect.stringContaining('\nkind: Pod\n') });
    expect(unit).toMatchObject({ code: 0, stdout: expect.stringContaining('\nWatchdogSec=') });
  });

  test('relays, observes, and ends as it should', async () => {
    await using member = await EchoMember.start();
    await using balancer = await Balancer.start([...member.flags], [], [], program);
    const socket = await connect(balancer.address);
    expect(await ask(socket, 'through all of it')).toBe('through all of it');
    expect(await balancer.status()).toMatchObject({
      version: manifest.version,
      copier: 'shared-buffer',
    });
    expect(await balancer.metric('etcd_lb_sessions{member="m0"}')).toBe(1);
    socket.destroy();
    expect(await balancer.stop()).toEqual({ code: 0, signal: null, stderr: '' });
  });

  test('has the readable log too', async () => {
    const [command = '', ...rest] = program.command;
    const args = ['run', '--log-format', 'pretty', '--listen', '127.0.0.1:0', '--observe', 'off'];
    const child = spawn(command, [...rest, ...args, '--endpoints', '127.0.0.1:1'], {
      ...program,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'close');
    const [first] = await once(createInterface({ input: child.stdout }), 'line');
    child.kill('SIGTERM');
    expect(first).toMatch(/INFO.*etcd-lb .* listens on 127\.0\.0\.1:\d+ in front of /);
    expect(await exited).toEqual([0, null]);
  });

  describe.each(['http', 'https'] as const)('in front of an etcd that speaks %s', (scheme) => {
    let certificates: Certificates | undefined;
    let cluster: LocalCluster;
    let flags: readonly string[] = [];
    beforeAll(async () => {
      if (scheme === 'https') certificates = parts.use(await createCertificates());
      const tls = certificates && {
        ca: certificates.ca,
        serverCert: certificates.server.cert,
        serverKey: certificates.server.key,
      };
      cluster = parts.use(
        await startLocalCluster({ etcd: await findEtcd(), size: 1, ...(tls && { tls }) }),
      );
      flags = [
        ...['--endpoints', `m0=${cluster.endpoints[0]}`],
        ...(certificates ? ['--cacert', certificates.ca] : []),
        ...(certificates ? ['--cert', certificates.client.cert] : []),
        ...(certificates ? ['--key', certificates.client.key] : []),
      ];
    });

    test('learns over gRPC who leads, relays, and ends with 0', async () => {
      await using balancer = await Balancer.start(flags, [], [], program);
      expect(await balancer.logged(({ event }) => event === 'leader-changed')).toBeTruthy();
      const client = etcd3(`${scheme}://${balancer.address}`, certificates);
      await client.put('shipped').value('yes');
      expect(await client.get('shipped').string()).toBe('yes');
      const { header } = await client.maintenance.status();
      client.close();
      // Numbers of 64 bits, which JavaScript has none of, arrive whole.
      const memberId = BigInt(header.member_id).toString(16);
      expect(await balancer.status()).toMatchObject({
        cluster: { leader: 'm0' },
        members: [{ name: 'm0', etcd: { memberId } }],
      });
      expect(await balancer.stop()).toEqual({ code: 0, signal: null, stderr: '' });
    });

    test('is checked', async () => {
      const { code, stdout, stderr } = await run('check', '--json', ...flags);
      expect(stderr).toBe('');
      const { exitCode, findings } = JSON.parse(stdout) as {
        exitCode: number;
        findings: Finding[];
      };
      expect(exitCode).toBe(code);
      const seen = findings.map((finding) => finding.seen).join('\n');
      expect(seen).toMatch(/^a single member$/m); // which the list of members tells, over gRPC
      expect(seen).not.toMatch(/gRPC|answer/);
    });
  });
}
