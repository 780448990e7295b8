/**
 * `npm run prove:image`: builds the Dockerfile as it is, on a base of our own making (base.ts), runs the image as an
 * operator would and looks at it from outside, in front of a real etcd.
 *
 * Not part of `npm test`, since it needs root, buildah, podman and debootstrap, and two minutes. It leaves nothing: images
 * and containers are in a storage of its own.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { findEtcd } from '../../src/demo/etcd-binary.ts';
import { freePorts } from '../../src/demo/free-ports.ts';
import { startLocalCluster } from '../../src/demo/local-cluster.ts';
import type { Status } from '../../src/observe/status.ts';
import { findRunc } from '../machine/programs.ts';
import { packBase } from './base.ts';
import { Engine } from './engine.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const tag = `${manifest.devDependencies.node}-bookworm-slim`;

await using parts = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-image-'));
parts.defer(() => rm(folder, { recursive: true, force: true }));
const engine = parts.use(new Engine(folder, (await findRunc()).path));

say('making a base image');
const archive = join(folder, 'base.tar');
await packBase(folder, archive);
await engine.import(archive, `localhost/node:${tag}`);

say('building the Dockerfile');
const { stdout: revision } = await run('git', ['rev-parse', 'HEAD'], { cwd: root });
await engine.build(root, 'localhost/etcd-lb', {
  NODE_IMAGE: 'localhost/node',
  REVISION: revision.trim(),
});
const image = await engine.configOf('localhost/etcd-lb');
prove('runs as user 1000', image.User, '1000:1000');
prove('is stopped by SIGTERM', image.StopSignal, 'SIGTERM');
prove('is labelled', image.Labels['org.opencontainers.image.version'], manifest.version);
prove('names its revision', image.Labels['org.opencontainers.image.revision'], revision.trim());
const listing = await engine.once('localhost/etcd-lb', ['ls'], ['/app']);
const beside = ['LICENSE', 'NOTICE', 'compiled', 'etcd-lb.cdx.json', 'etcd-lb.js'];
prove('has one file, what Node compiled of it, and its papers', listing, beside.join('\n'));
const cache = await engine.once(
  'localhost/etcd-lb',
  ['sh', '-c'],
  ['NODE_DEBUG_NATIVE=COMPILE_CACHE node /app/etcd-lb.js --version 2>&1'],
);
prove('starts from what Node compiled', /etcd-lb\.js.* was accepted/.test(cache), true);

await using cluster = await startLocalCluster({ etcd: await findEtcd(), size: 1 });
const [listen, observe] = await freePorts(2);
const flags = [
  ...['run', '--endpoints', `m0=${cluster.endpoints[0]}`],
  ...['--listen', `127.0.0.1:${listen}`, '--log-format', 'json'],
];
{
  await using container = await engine.start('localhost/etcd-lb', [
    ...flags,
    ...['--observe', `127.0.0.1:${observe}`],
  ]);
  await container.logged('"event":"leader-changed"');
  const relayed = await fetch(`http://127.0.0.1:${listen}/version`);
  prove('relays to etcd', relayed.status, 200);
  const answer = await fetch(`http://127.0.0.1:${observe}/status`);
  const status = (await answer.json()) as Status;
  prove('knows over gRPC who leads', status.cluster.leader, 'm0');
  prove('has no right of root', await container.exec('id', '-u'), '1000');
  const write =
    'for d in / /app /app/compiled /tmp /run /var/tmp; do touch $d/x 2>/dev/null && echo $d; done; true';
  prove('finds no place to write to', await container.exec('sh', '-c', write), '');
  prove('is healthy, where --observe is another', await container.health(), 0);
  await container.signal('STOP');
  prove('is unhealthy when it hangs', await container.health(), 1);
  await container.signal('CONT');
  prove('ends with 0 when it is stopped', await container.stop(), 0);
}
for (const where of ['off', '127.0.0.1:9379']) {
  const more = where === 'off' ? ['--observe', where] : [];
  await using container = await engine.start('localhost/etcd-lb', [...flags, ...more]);
  await container.logged('"event":"started"');
  prove(`is healthy with --observe ${where}`, await container.health(), 0);
}

function say(line: string): void {
  console.log(`etcd-lb: ${line} …`);
}

function prove(what: string, found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected)) {
    throw new Error(`The image ${what}: expected ${String(expected)}, found ${String(found)}.`);
  }
  console.log(`proven: it ${what}`);
}
