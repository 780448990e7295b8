/**
 * TLS of our own, in front of real etcd with mutual TLS: terminated, and originated for plain clients.
 * The certificate that clients see carries `balancer.example` only, and the members' do not carry that.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, rename, symlink } from 'node:fs/promises';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type EtcdBinary, findEtcd } from '../../src/demo/etcd-binary.ts';
import { type LocalCluster, startLocalCluster } from '../../src/demo/local-cluster.ts';
import { UpstreamTls } from '../../src/proxy/tls/upstream.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import {
  type Certificates,
  createCertificates,
  type KeyPairFiles,
} from '../support/certificates.ts';
import { etcd3, etcdctl, withoutRetries } from '../support/clients.ts';
import { memberAt } from '../unit/proxy/members.ts';

const name = 'balancer.example';
const parts = new AsyncDisposableStack();
let etcd: EtcdBinary;
let certificates: Certificates;
let shown: KeyPairFiles;
let cluster: LocalCluster;
let towardsMembers: string[];

beforeAll(async () => {
  etcd = await findEtcd();
  certificates = parts.use(await createCertificates());
  shown = await certificates.issue('balancer', [{ type: 'dns', value: name }]);
  const { ca, server, client } = certificates;
  cluster = parts.use(
    await startLocalCluster({
      etcd,
      size: 3,
      tls: { ca, serverCert: server.cert, serverKey: server.key },
    }),
  );
  towardsMembers = [
    ...['--endpoints', cluster.members.map((each) => `${each.name}=${each.clientUrl}`).join()],
    ...['--cacert', ca, '--cert', client.cert, '--key', client.key],
  ];
});
afterAll(() => parts.disposeAsync());

async function start(...flags: string[]): Promise<Balancer> {
  const balancer = await Balancer.start([...towardsMembers, ...flags]);
  onTestFinished(async () => void (await balancer.stop()));
  await balancer.healthy(cluster.members.map((each) => each.name));
  return balancer;
}

const terminate = (...flags: string[]): Promise<Balancer> =>
  start(
    ...['--tls', 'terminate', '--tls-cert', shown.cert, '--tls-key', shown.key],
    ...['--client-ca', certificates.ca, ...flags],
  );

const read = ({ cert, key }: KeyPairFiles) => ({
  cert: readFileSync(cert, 'utf8'),
  key: readFileSync(key, 'utf8'),
});

/** A TLS connection to the balancer; the test ends with it. */
function connect(
  balancer: Balancer,
  files: KeyPairFiles | undefined,
  options: tls.ConnectionOptions = {},
): tls.TLSSocket {
  const port = Number(balancer.address.split(':').at(-1));
  const socket = tls.connect({
    ...{ host: '127.0.0.1', port, servername: name, ca: readFileSync(certificates.ca) },
    ...(files && read(files)),
    ...options,
  });
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** How a connection ends that nothing is said on: the code of its error, or `end`. */
function endOf(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.on('end', () => resolve('end')).on('close', () => resolve('end'));
    socket.resume();
  });
}

async function get(balancer: Balancer, path: string): Promise<string> {
  const port = Number(balancer.address.split(':').at(-1));
  const ca = readFileSync(certificates.ca);
  const request = https.get({
    ...{ host: '127.0.0.1', port, path, servername: name, ca, agent: false },
    ...read(certificates.client),
  });
  const [response] = await once(request, 'response');
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

const failed = (balancer: Balancer, reason: string) =>
  balancer.metric(`etcd_lb_tls_handshakes_failed_total{reason="${reason}"}`);

describe('terminated', () => {
  test('serves etcd3, though members do not carry our name', async () => {
    const balancer = await terminate();
    const client = etcd3(`https://${balancer.address}`, certificates, {
      grpcOptions: { 'grpc.ssl_target_name_override': name },
    });
    onTestFinished(() => client.close());
    const watcher = await client.watch().key('terminated').create();
    const seen = once(watcher, 'put');
    await client.put('terminated').value('yes');
    expect(await client.get('terminated').string()).toBe('yes');
    const [{ value }] = await seen;
    expect(String(value)).toBe('yes');
    await watcher.cancel();
    const large = Buffer.alloc(1_000_000, 'x');
    await client.put('terminated/large').value(large);
    expect((await client.get('terminated/large').buffer())?.equals(large)).toBe(true);
    expect((await balancer.status()).copier).toBe('shared-buffer-beside-tls');
  });

  test('serves etcdctl, which asks for our name only', async () => {
    const own = await certificates.issue('loopback', [{ type: 'ip', value: '127.0.0.1' }]);
    const balancer = await terminate('--tls-cert', own.cert, '--tls-key', own.key);
    const run = etcdctl(etcd, `https://${balancer.address}`, certificates);
    expect(await run('put', 'etcdctl', 'one')).toBe('OK\n');
    expect(await run('get', 'etcdctl')).toBe('etcdctl\none\n');
  });

  test('serves in front of members without TLS', async () => {
    await using plain = await startLocalCluster({ etcd, size: 1 });
    await using balancer = await Balancer.start([
      ...['--endpoints', plain.members[0]?.clientUrl ?? '', '--client-ca', certificates.ca],
      ...['--tls', 'terminate', '--tls-cert', shown.cert, '--tls-key', shown.key],
    ]);
    const client = etcd3(`https://${balancer.address}`, certificates, {
      grpcOptions: { 'grpc.ssl_target_name_override': name },
    });
    onTestFinished(() => client.close());
    await client.put('plain').value('yes');
    expect(await client.get('plain').string()).toBe('yes');
    expect(JSON.parse(await get(balancer, '/health'))).toMatchObject({ health: 'true' });
  });

  test('serves HTTP/1.1 beside HTTP/2', async () => {
    const balancer = await terminate();
    expect(JSON.parse(await get(balancer, '/health'))).toMatchObject({ health: 'true' });
    expect(JSON.parse(await get(balancer, '/version'))).toHaveProperty('etcdserver');
    const socket = connect(balancer, certificates.client, { ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe('h2');
  });

  test('refuses whoever shows no certificate, a stranger, and who is not on the list', async () => {
    const balancer = await terminate('--allow-client', 'client');
    const nobody = connect(balancer, undefined);
    expect(await endOf(nobody)).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
    await endOf(connect(balancer, certificates.stranger));
    await endOf(connect(balancer, certificates.server));
    expect(await failed(balancer, 'no-certificate')).toBe(1);
    expect(await failed(balancer, 'untrusted')).toBe(1);
    expect(await failed(balancer, 'not-allowed')).toBe(1);
    expect(await balancer.metric('etcd_lb_sessions_opened_total{member="m0"}')).toBe(0);
    expect(JSON.parse(await get(balancer, '/health'))).toMatchObject({ health: 'true' });
    const { msg } = await balancer.logged(({ event }) => event === 'handshakes-failed');
    expect(msg).toBe(
      'the TLS handshake of 1 client failed: they showed no certificate, which --client-ca asks for',
    );
  });

  test('counts what is no handshake, and who does not accept our certificate', async () => {
    const balancer = await terminate();
    const plain = net.connect(Number(balancer.address.split(':').at(-1)), '127.0.0.1');
    plain.write('GET /health HTTP/1.1\r\n\r\n');
    await endOf(plain);
    const old = {
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL@SECLEVEL=0',
    } as const;
    await endOf(connect(balancer, certificates.client, old));
    // A suite without authenticated encryption.
    const weak = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' } as const;
    await endOf(connect(balancer, certificates.client, weak));
    expect(await failed(balancer, 'protocol')).toBe(3);
    const run = etcdctl(etcd, `https://${balancer.address}`, {
      ...certificates,
      ca: certificates.otherCa,
    });
    await expect(run('--command-timeout', '500ms', 'get', 'x')).rejects.toThrow('deadline');
    expect(await failed(balancer, 'rejected')).toBeGreaterThan(0);
  });

  test('follows calls, and asks clients to leave before it stops', async () => {
    const balancer = await terminate();
    const session = http2.connect(`https://${name}`, {
      createConnection: () => connect(balancer, certificates.client, { ALPNProtocols: ['h2'] }),
    });
    session.on('error', () => {});
    onTestFinished(() => session.destroy());
    const request = session.request({ ':path': '/version' });
    const [headers] = await once(request, 'response');
    expect(headers[':status']).toBe(200);
    await once(request.resume(), 'end');
    const left = once(session, 'goaway');
    balancer.signal('SIGTERM');
    expect((await left)[0]).toBe(http2.constants.NGHTTP2_NO_ERROR);
  });

  test('resumes sessions with clients', async () => {
    const balancer = await terminate('--allow-client', 'client');
    const first = connect(balancer, certificates.client, { ALPNProtocols: ['h2'] });
    const [session] = await once(first.resume(), 'session');
    const second = connect(balancer, certificates.client, { ALPNProtocols: ['h2'], session });
    await once(second, 'secureConnect');
    expect(second.isSessionReused()).toBe(true);
    // etcd greets whoever it serves.
    await once(second, 'data');
  });
});

test('etcd resumes sessions with us', async () => {
  const { ca, client } = certificates;
  const material = { ca: readFileSync(ca, 'utf8'), ...read(client) };
  const url = new URL(cluster.members[0]?.clientUrl ?? '');
  const member = memberAt(Number(url.port));
  const upstream = new UpstreamTls(() => material);
  const reused: boolean[] = [];
  for (let visit = 0; visit < 2; visit += 1) {
    const options = { member, host: '127.0.0.1', port: member.port };
    const socket = upstream.connect(options, 'h2');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'secureConnect');
    reused.push(socket.isSessionReused());
    await once(socket, 'data'); // etcd's first frame, behind its tickets
  }
  expect(reused).toEqual([false, true]);
});

describe('renewed', () => {
  /** Files that can be replaced under the balancer's eyes. */
  async function links(): Promise<KeyPairFiles> {
    const files = {
      cert: join(certificates.folder, 'renewed.crt'),
      key: join(certificates.folder, 'renewed.key'),
    };
    await copyFile(shown.cert, files.cert);
    await copyFile(shown.key, files.key);
    return files;
  }

  test('under load no call fails; a bad pair is refused, and the old one serves', async () => {
    const files = await links();
    const balancer = await terminate('--tls-cert', files.cert, '--tls-key', files.key);
    const serial = async (): Promise<string> => {
      const socket = connect(balancer, certificates.client, { ALPNProtocols: ['h2'] });
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const before = await serial();
    let calls = 0;
    let isOver = false;
    // Some keep their connection, some come anew for each call.
    const kept = etcd3(`https://${balancer.address}`, certificates, {
      grpcOptions: { 'grpc.ssl_target_name_override': name },
      faultHandling: withoutRetries,
    });
    onTestFinished(() => kept.close());
    const load = Promise.all([
      (async () => {
        for (; !isOver; calls += 1) await kept.put('renewed').value(calls);
      })(),
      (async () => {
        for (; !isOver; calls += 1) await get(balancer, '/version');
      })(),
    ]);
    const next = await certificates.issue('balancer-next', [{ type: 'dns', value: name }]);
    await copyFile(next.cert, files.cert);
    await copyFile(next.key, files.key);
    await balancer.logged(({ event }) => event === 'certificates-renewed');
    const after = await serial();
    expect(after).not.toBe(before);
    expect(await balancer.metric('etcd_lb_certificate_reloads_total{result="applied"}')).toBe(1);

    await copyFile(shown.cert, files.cert);
    const { msg } = await balancer.logged(({ event }) => event === 'certificates-refused');
    expect(msg).toBe(
      `certificate files have changed and cannot be used; the previous certificates stay in use: --tls-key: ${files.key} does not belong to the certificate ${files.cert} (--tls-cert); give the two that were made together`,
    );
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(await serial()).toBe(after);
    expect(await balancer.metric('etcd_lb_certificate_reloads_total{result="refused"}')).toBe(1);
    isOver = true;
    await load;
    expect(calls).toBeGreaterThan(100);
    const { status } = await fetch(`${balancer.observeUrl}/readyz`);
    expect(status).toBe(200);
  }, 60_000);

  test('what is shown to members too: checks, questions and traffic, through a swapped link', async () => {
    // As Kubernetes has it: the files are links into a folder that is a link.
    const [first, second] = ['first', 'second'].map((each) => join(certificates.folder, each));
    for (const [folder, from] of [
      [first, certificates.client],
      [second, certificates.stranger],
    ] as const) {
      await mkdir(folder as string);
      await copyFile(from.cert, join(folder as string, 'tls.crt'));
      await copyFile(from.key, join(folder as string, 'tls.key'));
    }
    const current = join(certificates.folder, 'current');
    const point = async (at: string | undefined): Promise<void> => {
      await symlink(at ?? '', `${current}.new`);
      await rename(`${current}.new`, current);
    };
    await point(first);
    const balancer = await start(
      ...['--cert', join(current, 'tls.crt'), '--key', join(current, 'tls.key')],
    );
    await point(second);
    await balancer.logged(({ event }) => event === 'certificates-renewed');
    // Checks and questions show the stranger's from now on, which members refuse.
    await balancer.logged(({ event }) => event === 'inspection-failing');
    await balancer.reached('m0', 'suspect');
    const from = balancer.log.length;
    await point(first);
    await balancer.logged(({ event }) => event === 'certificates-renewed', from);
    await balancer.reached('m0', 'healthy', from);
    await balancer.logged(({ event }) => event === 'inspection-back', from);
  }, 60_000);
});

test('a key that everybody may read is told of, by run and by check', async () => {
  const key = join(certificates.folder, 'open.key');
  await copyFile(certificates.client.key, key);
  await chmod(key, 0o644);
  const path = join(certificates.folder, 'key.sock');
  const flags = ['--tls', 'originate', '--listen', `unix:${path}`, '--key', key];
  const balancer = await start(...flags);
  const { msg } = await balancer.logged(({ event }) => event === 'key-exposed');
  expect(msg).toContain(key);
  expect(balancer.history).not.toContain('PRIVATE');
  const { stdout } = await etcdLb(['check', '--json', ...towardsMembers, ...flags]);
  const { findings } = JSON.parse(stdout) as { findings: { subject: string; seen: string }[] };
  expect(findings.map(({ subject }) => subject)).toEqual(
    expect.arrayContaining([key, '--tls originate']),
  );
  expect(findings.find(({ subject }) => subject === '--tls originate')?.seen).toBe(
    'etcd sees the certificate of --cert, CN=client, for every client',
  );
  // Members do not name our socket, nor need they.
  expect(stdout).not.toContain('does not name');
});

describe('originated', () => {
  test('serves plain HTTP/2 and HTTP/1.1 over a Unix socket', async () => {
    const path = join(certificates.folder, 'originated.sock');
    const balancer = await start('--tls', 'originate', '--listen', `unix:${path}`);
    const run = etcdctl(etcd, `unix://${path}`);
    expect(await run('put', 'originated', 'yes')).toBe('OK\n');
    expect(await run('get', 'originated')).toBe('originated\nyes\n');
    const session = http2.connect('http://etcd', { createConnection: () => net.connect(path) });
    onTestFinished(() => session.destroy());
    const request = session.request({ ':path': '/version' });
    const [headers] = await once(request, 'response');
    expect(headers[':status']).toBe(200);
    const socket = net.connect(path);
    // In pieces, as a slow client may.
    for (const piece of [
      'P',
      'OST /health HTTP/1.1\r\nhost: etcd\r\n',
      'connection: close\r\n\r\n',
    ]) {
      socket.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1.1 \d\d\d/);
    expect(await balancer.metric('etcd_lb_rejected_clients_total{reason="no-request"}')).toBe(0);
  });

  test('turns away who speaks TLS, and who says nothing', async () => {
    const balancer = await start(
      ...['--tls', 'originate', '--plaintext-tcp', 'on'],
      ...['--dial-timeout', '400ms'],
    );
    await endOf(connect(balancer, certificates.client));
    const port = Number(balancer.address.split(':').at(-1));
    await endOf(net.connect(port, '127.0.0.1'));
    expect(await balancer.metric('etcd_lb_rejected_clients_total{reason="no-request"}')).toBe(2);
  });

  test('verifies members by another name, for traffic, checks and questions', async () => {
    const path = join(certificates.folder, 'named.sock');
    const flags = ['--tls', 'originate', '--listen', `unix:${path}`];
    const named = await start(...flags, '--server-name', 'localhost');
    const run = etcdctl(etcd, `unix://${path}`);
    expect(await run('get', 'nothing')).toBe('');
    await named.stop();
    const wrong = await Balancer.start([...towardsMembers, ...flags, '--server-name', name]);
    onTestFinished(async () => void (await wrong.stop()));
    const { evidence } = await wrong.reached('m0', 'suspect');
    expect(JSON.stringify(evidence)).toContain(name);
  });
});
