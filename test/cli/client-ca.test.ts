/** Whether clients need a certificate, changed by a reload while the program runs: real TLS clients. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import tls, { type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Balancer } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { ask, endOf } from './client.ts';
import { EchoMember } from './echo-member.ts';

let certificates: Certificates;
beforeAll(async () => {
  certificates = await createCertificates();
});
afterAll(() => certificates[Symbol.asyncDispose]());

test('--client-ca holds both ways from the next handshake after a reload on', async () => {
  await using member = await EchoMember.start();
  const file = join(certificates.folder, 'etcd-lb.yaml');
  const write = (clientCa: string): Promise<void> => {
    const { cert, key } = certificates.server;
    const lines = { tls: 'terminate', 'tls-cert': cert, 'tls-key': key, 'client-ca': clientCa };
    const all = { ...lines, listen: '127.0.0.1:0' };
    return writeFile(
      file,
      Object.entries(all)
        .map((line) => `${line.join(': ')}\n`)
        .join(''),
    );
  };
  await write('none');
  await using balancer = await Balancer.start(['--config', file, ...member.flags]);
  await balancer.reached('m0', 'healthy');
  const reload = async (clientCa: string): Promise<void> => {
    await write(clientCa);
    const from = balancer.log.length;
    balancer.signal('SIGHUP');
    const { msg } = await balancer.logged(({ event }) => event === 'reloaded', from);
    expect(msg).toContain('client-ca');
  };
  const withCertificate = {
    cert: readFileSync(certificates.client.cert),
    key: readFileSync(certificates.client.key),
  };
  const dial = (options: tls.ConnectionOptions = {}): TLSSocket => {
    const port = Number(balancer.address.split(':').at(-1));
    const ca = readFileSync(certificates.ca);
    const socket = tls.connect({ host: '127.0.0.1', port, ca, ...options });
    onTestFinished(() => void socket.destroy());
    return socket;
  };
  const answers = async (options?: tls.ConnectionOptions): Promise<string> => {
    const socket = dial(options);
    await once(socket, 'secureConnect');
    return ask(socket, 'hello');
  };

  expect(await answers()).toBe('hello');
  await reload(certificates.ca);
  await endOf(dial());
  const failed = 'etcd_lb_tls_handshakes_failed_total{reason="no-certificate"}';
  expect(await balancer.metric(failed)).toBe(1);
  expect(await answers(withCertificate)).toBe('hello');
  await reload('none');
  expect(await answers()).toBe('hello');
  expect(await answers(withCertificate)).toBe('hello');
});
