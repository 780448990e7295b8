/** The recipes that take a cluster from http to mutual TLS, carried out as they stand on the page. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { expect } from 'vitest';
import { freePorts } from '../../../src/demo/free-ports.ts';
import type { LocalMember } from '../../../src/demo/local-member.ts';
import { Balancer } from '../../support/balancer.ts';
import { idOf } from '../../support/joining-member.ts';
import { HeldSocket, passing } from '../../support/listening-socket.ts';
import type { Scene } from '../../support/recipe-scene.ts';
import { recipe } from '../../support/recipe-test.ts';

/** Where each member is to serve https, by name. */
type Secure = ReadonlyMap<string, string>;

recipe(
  ['Plain to TLS', 'TLS to mutual TLS'],
  '3.4',
  'passthrough',
  async (scene) => {
    const secure = await placesFor(scene);
    await scene.begin();
    for (const member of await scene.inOrder()) {
      const both = { byHand: { 'systemctl start etcd': () => serveBoth(scene, member, secure) } };
      await scene.carryOut('Plain to TLS', member, { ...of(scene, member, secure), ...both });
    }
    await moveClients(scene, secure);
    for (const member of await scene.inOrder()) {
      const url = secure.get(member.name) ?? '';
      await answersWithout(scene, url); // it does not ask for a certificate yet
      const mutual = { byHand: { 'systemctl start etcd': () => serveMutual(scene, member, url) } };
      await scene.carryOut('TLS to mutual TLS', member, {
        ...of(scene, member, secure),
        ...mutual,
      });
      await expect(answersWithout(scene, url)).rejects.toThrow('certificate');
    }
    const [first] = scene.members;
    if (first === undefined) throw new Error('no member');
    expect(await scene.ctl(first)('member', 'list')).not.toContain('http:');
    await expect(answersWithout(scene, peerTlsOf(first))).rejects.toThrow('certificate');
  },
  { begins: 'plain' },
);

recipe(
  'Clients that stay plain',
  '3.5',
  'originate',
  async (scene) => {
    const secure = await placesFor(scene);
    await Promise.all(scene.members.map((member) => member.kill('SIGTERM')));
    await Promise.all(scene.members.map((member) => serveBoth(scene, member, secure)));
    const [port = 0] = await freePorts(1);
    // As systemd does: it holds the address, whoever accepts there.
    using held = HeldSocket.listening(port);
    const listen = `127.0.0.1:${port}`;
    const start = (flags: readonly string[]): Promise<Balancer> =>
      Balancer.start(flags, passing(['etcd']), [held.descriptor]);
    await scene.configure({ listen });
    const before = await scene.startBalancer(start);
    await scene.load();
    const [first] = scene.members;
    if (first === undefined) throw new Error('no member');
    scene.turnTo('etcd-lb', 'originate');
    await scene.configure({ listen, members: at(scene, secure) });
    const restart = async (): Promise<void> => {
      const relief = scene.parts.use(
        await start(['--config', scene.configFile, '--drain-timeout', '10s']),
      );
      await relief.healthy(scene.members.map(({ name }) => name));
      await before.stop();
      await scene.startBalancer(start);
      await relief.stop();
    };
    const line =
      'systemctl start etcd-lb-relief && systemctl restart etcd-lb; systemctl stop etcd-lb-relief';
    await scene.carryOut('Clients that stay plain', first, { byHand: { [line]: restart } });
    const { members } = await scene.operator.client.status();
    expect(members.map(({ endpoint }) => endpoint)).toEqual([...secure.values()]);
    expect(members.reduce((sum, { sessions }) => sum + sessions, 0)).toBe(12);
  },
  { begins: 'plain' },
);

/** The second block: clients go over to a second balancer. */
async function moveClients(scene: Scene, secure: Secure): Promise<void> {
  const [first] = scene.members;
  if (first === undefined) throw new Error('no member');
  const { adminSocket, balancer: plain } = scene;
  scene.turnTo('tls', 'passthrough');
  scene.credentials = scene.certificates;
  await scene.configure({ members: at(scene, secure) });
  await scene.carryOut('Plain to TLS', first, {
    ...{ block: 1, adminSocket },
    values: { '/etc/etcd-lb/tls.yaml': () => scene.configFile },
    byHand: {
      'systemctl start etcd-lb-tls': async () => {
        await scene.startBalancer();
        await scene.load();
        await scene.nothingFailed('with clients of both kinds');
        await scene.clients.stopFirst();
      },
      'systemctl stop etcd-lb': () => plain.stop(),
    },
  });
}

async function placesFor({ members }: Scene): Promise<Secure> {
  const ports = await freePorts(members.length);
  return new Map(members.map(({ name }, i) => [name, `https://127.0.0.1:${ports[i]}`]));
}

function at({ members }: Scene, secure: Secure) {
  return members.map(({ name }) => ({ name, clientUrl: secure.get(name) ?? '' }));
}

function of({ certificates, etcd, members }: Scene, member: LocalMember, secure: Secure) {
  const others = members.filter((each) => each !== member);
  const othersTls = others.map(({ name }) => secure.get(name)).join();
  const values = {
    $CP1_TLS: () => secure.get(member.name) ?? '',
    $OTHERS_TLS: () => othersTls,
    $CP1_ID: () => idOf(member, othersTls, etcd, certificates),
    '--peer-urls=$CP1_PEER_TLS': () => `--peer-urls=${peerTlsOf(member)}`,
  };
  return { certificates, values };
}

function peerTlsOf({ peerUrl }: LocalMember): string {
  return peerUrl.replace('http:', 'https:');
}

async function serveBoth({ files }: Scene, member: LocalMember, secure: Secure): Promise<void> {
  const { serverCert, serverKey, ca } = files;
  const flags = [
    ...['--listen-client-urls', `${member.clientUrl},${secure.get(member.name)}`],
    ...['--cert-file', serverCert, '--key-file', serverKey],
    ...['--peer-cert-file', serverCert, '--peer-key-file', serverKey],
    ...['--peer-trusted-ca-file', ca],
  ];
  await member.start(undefined, { flags });
}

async function serveMutual({ files }: Scene, member: LocalMember, url: string): Promise<void> {
  const flags = [
    ...['--listen-client-urls', url, '--advertise-client-urls', url],
    ...['--client-cert-auth', '--trusted-ca-file', files.ca],
    ...['--listen-peer-urls', peerTlsOf(member), '--peer-client-cert-auth'],
  ];
  await member.start(undefined, { flags, clientUrl: url });
}

/** Resolves when it answers a client that shows no certificate. */
async function answersWithout({ certificates }: Scene, url: string): Promise<void> {
  const ca = readFileSync(certificates.ca);
  await new Promise<void>((resolve, reject) => {
    const asked = request(`${url}/version`, { ca, agent: false }, (response) => {
      response.on('end', resolve).on('error', reject).resume();
    });
    asked.on('error', reject).end();
  });
}
