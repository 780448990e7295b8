import { execFile } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Folder } from '../../machine/folder.ts';
import { Names } from './names.ts';

const run = promisify(execFile);

test('names come, change, vanish and are silent', async () => {
  using folder = new Folder();
  await using names = await Names.start(folder.path);
  const resolver = new Resolver({ timeout: 300, tries: 1 });
  resolver.setServers([names.address]);
  names.set('m0.etcd.test', ['10.0.0.1']);
  names.setService('_etcd-client._tcp.etcd.test', [{ target: 'm0.etcd.test', port: 2379 }]);
  expect(await resolver.resolve4('m0.etcd.test', { ttl: true })).toEqual([
    { address: '10.0.0.1', ttl: 1 },
  ]);
  expect(await resolver.resolveSrv('_etcd-client._tcp.etcd.test')).toMatchObject([
    { name: 'm0.etcd.test', port: 2379, priority: 0, weight: 1 },
  ]);
  names.set('m0.etcd.test', ['10.0.0.2', '10.0.0.3']);
  const [command = '', ...args] = [...names.prefix, 'getent', 'ahostsv4', 'M0.etcd.test'];
  const { stdout } = await run(command, args);
  expect(stdout).toMatch(/10\.0\.0\.2.*10\.0\.0\.3/s);
  names.vanish('m0.etcd.test');
  await expect(resolver.resolve4('m0.etcd.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  names.silent = true;
  await expect(resolver.resolve4('m0.etcd.test')).rejects.toMatchObject({ code: 'ETIMEOUT' });
});
