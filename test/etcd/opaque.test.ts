/**
 * Sessions whose bytes are opaque, TLS that passes through: a rebalancing after the leader's death moves none
 * of them while its client waits for an answer, however long etcd takes for it.
 */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { startLocalCluster } from '../../src/demo/local-cluster.ts';
import { Balancer } from '../support/balancer.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';

/** A call that fails after this long, ms, was not one that crossed the end of its connection. */
const crossing = 100;

test('no call that waits for the next leader is cut by a rebalancing', async () => {
  await using certificates = await createCertificates();
  const { ca, server, client } = certificates;
  const tls = { ca, serverCert: server.cert, serverKey: server.key };
  await using cluster = await startLocalCluster({ etcd: await findEtcd(), size: 3, tls });
  await using balancer = await Balancer.start([
    ...['--endpoints', cluster.members.map((each) => `${each.name}=${each.clientUrl}`).join()],
    ...['--cacert', ca, '--cert', client.cert, '--key', client.key],
    ...['--slow-start', '0', '--hold', '0'], // so that calls do wait
  ]);
  await balancer.healthy(['m0', 'm1', 'm2']);
  const stopping = new AbortController();
  const cut: string[] = [];
  let answered = 0;
  let isCounting = false;
  let pace = 20; // ms between two calls of a client
  const clients = Array.from({ length: 12 }, async (_, index) => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ...keysOf(certificates) });
    while (!stopping.signal.aborted) {
      const begun = performance.now();
      try {
        await put(balancer.address, agent, `opaque${index}`);
        answered += 1;
      } catch (error) {
        if (performance.now() - begun > crossing && isCounting) cut.push(String(error));
      }
      await delay(pace);
    }
    agent.destroy();
  });
  await vi.waitUntil(() => answered > 48, { timeout: 20_000 });
  const leader = await cluster.leader();
  const from = balancer.log.length;
  await leader.kill();
  await balancer.logged(({ event, to }) => event === 'member-changed' && to === 'failed', from);
  // Those of the dead member were cut by its death.
  isCounting = true;
  await leader.start();
  pace = 200; // from the first answer on they may be moved
  await vi.waitUntil(
    async () => {
      const shares = (await balancer.status()).members.map(({ sessions }) => sessions);
      return Math.max(...shares) - Math.min(...shares) <= 2;
    },
    { timeout: 60_000, interval: 200 },
  );
  stopping.abort();
  await Promise.all(clients);
  expect(cut).toEqual([]);
}, 120_000);

function keysOf({ ca, client }: Certificates) {
  const [caText, cert, key] = [ca, client.cert, client.key].map((file) => readFileSync(file));
  return { ca: caText, cert, key };
}

/** A write by the JSON gateway. Rejects when the connection ends; whatever etcd answers is an answer. */
function put(address: string, agent: https.Agent, key: string): Promise<void> {
  const body = JSON.stringify({ key: btoa(key), value: btoa('x') });
  return new Promise((resolve, reject) => {
    const options = { agent, method: 'POST', headers: { 'Content-Length': body.length } };
    const request = https.request(`https://${address}/v3/kv/put`, options, (response) => {
      response.on('error', reject).on('end', resolve).resume();
    });
    request.on('error', reject).end(body);
  });
}
