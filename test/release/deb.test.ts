/**
 * The Debian package: built from an executable that is the same each time, installed on a copy of this machine, run as its unit
 * runs it in front of a real etcd, removed and purged. What systemd itself would do is in
 * test/operations/systemd.test.ts.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { buildBinary } from '../../src/build/binary.ts';
import { libraries } from '../../src/build/deb/control.ts';
import { buildDeb } from '../../src/build/deb/deb.ts';
import { thisNode } from '../../src/build/licences/node.ts';
import { noticeOf } from '../../src/build/licences/notice.ts';
import { sbomOf } from '../../src/build/licences/sbom.ts';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { startLocalCluster } from '../../src/demo/local-cluster.ts';
import { findShellcheck } from '../machine/programs.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { etcd3 } from '../support/clients.ts';
import { built } from './build.ts';
import { MachineCopy } from './machine-copy.ts';

const exec = promisify(execFile);
/** Without waiting for disks, and without what other packages do after one was installed, such as an index of manuals. */
const dpkg = 'dpkg --force-unsafe-io --no-triggers';

const parts = new AsyncDisposableStack();
let folder: string;
let executable: string;
let certificates: Certificates;
let machine: MachineCopy;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-deb-test-'));
  parts.defer(() => rm(folder, { recursive: true }));
  executable = join(folder, 'etcd-lb');
  await buildBinary(executable);
  const { packages, folder: papers } = parts.use(await built());
  const node = await thisNode();
  await buildDeb(join(folder, 'etcd-lb.deb'), {
    executable,
    manual: await readFile(join(papers, 'etcd-lb.1'), 'utf8'),
    notice: noticeOf(packages, node),
    sbom: sbomOf(packages, node),
  });
  certificates = parts.use(await createCertificates());
  await cp(certificates.folder, join(folder, 'credentials'), { recursive: true });
  machine = parts.use(await MachineCopy.make(folder));
}, 120_000);
afterAll(() => parts.disposeAsync());

/** The words of a line of the unit, as systemd would run them. */
async function wordsOf(line: string): Promise<string[]> {
  const unit = await machine.sh('cat /usr/lib/systemd/system/etcd-lb.service');
  const [, command = ''] = new RegExp(`^${line}=(.*)$`, 'm').exec(unit) ?? [];
  const files = { ca: certificates.ca, ...certificates.client };
  const credential = { 'ca.crt': files.ca, 'client.crt': files.cert, 'client.key': files.key };
  return command.split(' ').map((word) => {
    const [, name] = /^\$\{CREDENTIALS_DIRECTORY\}\/(.*)$/.exec(word) ?? [];
    const file = name === undefined ? undefined : credential[name as keyof typeof credential];
    return file === undefined ? word : file.replace(certificates.folder, '/mnt/credentials');
  });
}

test('the executable is the same when it is built again, and starts from compiled code', async () => {
  const again = join(folder, 'again');
  await buildBinary(again);
  const [one, two] = await Promise.all([executable, again].map((path) => readFile(path)));
  expect((await stat(executable)).size).toBeGreaterThan(50e6);
  expect(one?.equals(two ?? Buffer.alloc(0))).toBe(true);
  const { stdout, stderr } = await exec(executable, ['--version']);
  // Had its compiled code been refused, a warning would say so.
  expect({ stdout, stderr }).toEqual({ stdout: `${manifest.version}\n`, stderr: '' });
}, 60_000);

test('the libraries that it asks for have what the executable needs', async () => {
  const text = await readFile(executable, 'latin1');
  const needed = [...text.matchAll(/\0GLIBC_(\d+)\.(\d+)(?=[.\d]*\0)/g)];
  const most = Math.max(...needed.map(([, major, minor]) => Number(major) * 1000 + Number(minor)));
  const [major, minor] = libraries.libc6.split('.').map(Number);
  expect(most).toBe((major ?? 0) * 1000 + (minor ?? 0));
  // GCC 7 brought CXXABI_1.3.11, and 8 brought GLIBCXX_3.4.25.
  expect(libraries['libstdc++6']).toBe('7');
  expect(text).toMatch(/\0CXXABI_1\.3\.11\0/);
  expect(text).not.toMatch(/\0(CXXABI_1\.3\.1[2-9]|GLIBCXX_3\.4\.(2[5-9]|[3-9]\d))\0/);
});

test('its scripts are as shellcheck wants them', async () => {
  const { path, env } = await findShellcheck();
  const scripts = ['postinst', 'prerm', 'postrm'].map((name) =>
    join(import.meta.dirname, '../../src/build/deb', name),
  );
  await exec(path, scripts, { env: { ...process.env, ...env } });
});

test('is installed: a command, a user, and a word on what is left to do', async () => {
  const said = await machine.sh(`${dpkg} --install /mnt/etcd-lb.deb 2>&1`);
  expect(said).toMatch(/^etcd-lb: write \/etc\/etcd-lb\/etcd-lb\.yaml .*enable --now etcd-lb$/m);
  expect(await machine.sh('etcd-lb --version')).toBe(`${manifest.version}\n`);
  expect(await machine.sh('getent passwd etcd-lb')).toMatch(/^etcd-lb:x:\d+:.*nologin$/m);
  expect(await machine.sh('dpkg --verify etcd-lb')).toBe('');
});

test('has completion for each shell, a manual page, an example and licences', async () => {
  const completion = '. /usr/share/bash-completion/completions/etcd-lb && complete -p etcd-lb';
  expect(await machine.sh(`bash -c '${completion}'`)).toContain('_etcd_lb');
  const shared = '/usr/share';
  const zsh = await machine.sh(`head -1 ${shared}/zsh/vendor-completions/_etcd-lb`);
  expect(zsh).toBe('#compdef etcd-lb\n');
  const fish = await machine.sh(`cat ${shared}/fish/vendor_completions.d/etcd-lb.fish`);
  expect(fish).toMatch(/^complete -c etcd-lb /);
  expect(await machine.sh(`zcat ${shared}/man/man1/etcd-lb.1.gz`)).toMatch(/^\.TH ETCD-LB 1 /);
  const { stdout } = await exec('cat', [
    join(import.meta.dirname, '../../config/etcd-lb.example.yaml'),
  ]);
  expect(await machine.sh(`cat ${shared}/doc/etcd-lb/etcd-lb.example.yaml`)).toBe(stdout);
  const copyright = await machine.sh(`cat ${shared}/doc/etcd-lb/copyright`);
  expect(copyright).toMatch(/Apache-2\.0[\s\S]*uplot[\s\S]*Node\.js[\s\S]*OpenSSL/);
});

test('its units run what it installed, and none starts without settings', async () => {
  const units = await machine.sh(
    'cd /usr/lib/systemd/system; cat etcd-lb.service etcd-lb-relief.service etcd-lb.socket',
  );
  expect(units).not.toContain('/usr/local');
  const [program, ...args] = await wordsOf('ExecStart');
  const config = args[args.indexOf('--config') + 1];
  const asserted = [...units.matchAll(/^AssertPathExists=(.*)$/gm)].map(([, path]) => path);
  expect(asserted).toEqual([config, config, config]);
  const { code, stderr } = await etcdLb(args, {}, machine.prefix(), { command: [program ?? ''] });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^etcd-lb: [^\n]*\/etc\/etcd-lb\/etcd-lb\.yaml[^\n]*\n$/);
});

test('init adapts its units, and leaves the program where it is', async () => {
  const flags = ['--as', 'systemd', '--endpoints', 'm0=http://127.0.0.1:1'];
  const command = ['/usr/bin/etcd-lb', 'init'];
  const { stderr } = await etcdLb(flags, {}, machine.prefix(), { command });
  expect(stderr).not.toMatch(/Error|exists/);
  for (const name of ['etcd-lb.service', 'etcd-lb-relief.service']) {
    const dropIn = await machine.sh(`cat /etc/systemd/system/${name}.d/*.conf`);
    expect(dropIn).toMatch(/^ExecStart=\/usr\/bin\/etcd-lb run --config /m);
  }
});

test('runs as its unit runs it, in front of a real etcd, and stops', async () => {
  const { ca, server } = certificates;
  const tls = { ca, serverCert: server.cert, serverKey: server.key };
  await using cluster = await startLocalCluster({ etcd: await findEtcd(), size: 1, tls });
  const settings = `listen: 127.0.0.1:0\nendpoints: m0=${cluster.endpoints[0]}\n`;
  await writeFile(join(folder, 'etcd-lb.yaml'), settings);
  await machine.sh('cp /mnt/etcd-lb.yaml /etc/etcd-lb/; install -d -o etcd-lb /var/lib/etcd-lb');
  await machine.sh('chown -R etcd-lb /mnt/credentials && chmod 711 /mnt');
  const [program = '', , ...args] = await wordsOf('ExecStart');
  const command = [...machine.prefix('etcd-lb'), program];
  await using balancer = await Balancer.start(args, [], [], { command });
  expect(await balancer.logged(({ event }) => event === 'leader-changed')).toBeTruthy();
  const client = etcd3(`https://${balancer.address}`, certificates);
  await client.put('installed').value('yes');
  expect(await client.get('installed').string()).toBe('yes');
  client.close();
  expect(await balancer.stop()).toEqual({ code: 0, signal: null, stderr: '' });
});

test('is removed, but for its settings and its state', async () => {
  await machine.sh(`${dpkg} --remove etcd-lb`);
  const left = (await machine.changes()).filter((path) => !/^\/etc\/[a-z]+$/.test(path));
  const dropIns = left.filter((path) => /^\/etc\/systemd\/system\/etcd-lb[^/]*\.d/.test(path));
  expect(dropIns).toHaveLength(6); // three folders with a file each
  expect(left.filter((path) => !dropIns.includes(path))).toEqual([
    ...['/etc/etcd-lb', '/etc/etcd-lb/etcd-lb.yaml'],
    ...['/var/lib/etcd-lb', '/var/lib/etcd-lb/cluster.json', '/var/lib/etcd-lb/drains'],
  ]);
});

test('is purged, and nothing is left of it', async () => {
  await machine.sh(`${dpkg} --purge etcd-lb`);
  expect(await machine.changes()).toEqual([]);
});
