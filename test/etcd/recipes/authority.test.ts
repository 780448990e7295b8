/** The recipes that renew certificates and change the authority, carried out as they stand on the page. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect } from 'vitest';
import type { ClientCredentials } from '../../support/certificates.ts';
import { etcdctl } from '../../support/clients.ts';
import type { Scene } from '../../support/recipe-scene.ts';
import { recipe } from '../../support/recipe-test.ts';

recipe(['Change the authority', 'Renew certificates'], '3.5', 'passthrough', async (scene) => {
  const { certificates, files, folder } = scene;
  const { ca, otherCa, client, stranger } = certificates;
  await scene.begin();
  const both = join(folder, 'both.crt');
  await files.trust(both, ca, otherCa);
  await trust(scene, [ca, otherCa], { ca: both, client });

  const [first] = scene.members;
  if (first === undefined) throw new Error('no member');
  expect(await isSignedBy(first.clientUrl, ca)).toBe(true);
  await files.swapMember(stranger);
  await scene.carryOut('Renew certificates', first, {
    onDone: async (command) => {
      // What the comment after the line says is done before the next one.
      if (command.startsWith('etcdctl')) await files.swapBalancer(stranger);
      const isRead = command.startsWith('etcd-lb events');
      if (isRead) await clientsWith(scene, { ca: both, client: stranger });
      await scene.nothingFailed(command);
    },
  });
  expect(await isSignedBy(first.clientUrl, otherCa)).toBe(true);

  await trust(scene, [otherCa], { ca: otherCa, client: stranger });
  const old = etcdctl(scene.etcd, first.clientUrl, { ca: otherCa, client });
  await expect(old('get', 'x', '--command-timeout', '1s')).rejects.toThrow();
});

/** A round in which everybody is to trust these authorities. */
async function trust(
  scene: Scene,
  authorities: readonly string[],
  credentials: ClientCredentials,
): Promise<void> {
  const { files } = scene;
  await files.trust(files.balancerCa, ...authorities);
  await clientsWith(scene, credentials);
  await files.trust(files.ca, ...authorities);
  for (const member of await scene.inOrder()) await scene.carryOut('Change the authority', member);
}

/** Clients are restarted with other files. */
async function clientsWith(scene: Scene, credentials: ClientCredentials): Promise<void> {
  scene.credentials = credentials;
  await scene.load();
  await scene.clients.stopFirst();
}

/** Is the certificate that a member shows signed by this authority? */
async function isSignedBy(url: string, authority: string): Promise<boolean> {
  const { hostname: host, port } = new URL(url);
  const ca = readFileSync(authority);
  return await new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), ca, servername: 'localhost' });
    socket.on('secureConnect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('close', () => resolve(false)).on('secureConnect', () => socket.destroy());
  });
}
