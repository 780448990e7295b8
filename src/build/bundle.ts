/**
 * `npm run build`: all of etcd-lb as one file that needs Node and nothing beside it.
 *
 *   src/cli/main.ts ──► etcd's protocol and the page inlined ──► gRPC kept as text ──► dist/etcd-lb.js
 *
 * Owns what the bundle is made of. A file that the program reads while it runs, wherever it comes from, has to
 * be put in by a plugin: there is nothing beside the bundle to read.
 */
import { argv } from 'node:process';
import { build, type Plugin } from 'rolldown';
import manifest from '../../package.json' with { type: 'json' };
import { inlinePage } from '../page/inline-plugin.ts';
import { complete } from './complete.ts';
import { deferred } from './deferred.ts';
import { etcdProtocol } from './etcd-protocol.ts';
import { requireNode } from './node-version.ts';

/** What becomes part of the bundle beside what is imported as code. */
const plugins: readonly Plugin[] = [
  deferred(['etcd3', 'cockatiel', '@grpc/grpc-js'], [etcdProtocol()]),
  inlinePage(),
  requireNode(Number.parseInt(manifest.engines.node.replace(/^>=/, ''), 10)),
];

/** Writes the bundle to `file`. Throws when something in it would be missing. */
export async function buildBundle(file: string): Promise<void> {
  await build({
    ...complete,
    input: 'src/cli/main.ts',
    plugins: [...plugins],
    // Names stay, for the stack of a bug; comments are of no use there and are read at every start.
    output: { file, format: 'esm', codeSplitting: false, comments: { legal: true, jsdoc: false } },
  });
}

if (import.meta.main) await buildBundle(argv[2] ?? 'dist/etcd-lb.js');
