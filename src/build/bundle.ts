/**
 * `npm run build`: all of etcd-lb as one file that needs Node and nothing beside it.
 *
 *   src/cli/main.ts ──► etcd's protocol and the page inlined ──► gRPC kept as text ──► dist/etcd-lb.js
 *
 * Owns the content of the bundle. A plugin must inline every file that the program reads at run time: there is
 * no other file beside the bundle.
 */
import { argv } from 'node:process';
import { build, type Plugin } from 'rolldown';
import manifest from '../../package.json' with { type: 'json' };
import { inlineTemplates } from '../init/files/inline-plugin.ts';
import { inlinePage } from '../page/inline-plugin.ts';
import { complete } from './complete.ts';
import { deferred } from './deferred.ts';
import { etcdProtocol } from './etcd-protocol.ts';
import { requireNode } from './node-version.ts';

/** What is added to the bundle besides imported code. */
const plugins: readonly Plugin[] = [
  deferred(['etcd3', 'cockatiel', '@grpc/grpc-js'], [etcdProtocol()]),
  inlinePage(),
  inlineTemplates(),
  requireNode(Number.parseInt(manifest.engines.node.replace(/^>=/, ''), 10)),
];

/** Writes the bundle to `file`. Throws when something in it would be missing. */
export async function buildBundle(file: string): Promise<void> {
  await build({
    ...complete,
    input: 'src/cli/main.ts',
    plugins: [...plugins],
    // Names stay, for the stack of a bug. Comments go, since they would be read at every start.
    output: { file, format: 'esm', codeSplitting: false, comments: { legal: true, jsdoc: false } },
  });
}

if (import.meta.main) await buildBundle(argv[2] ?? 'dist/etcd-lb.js');
