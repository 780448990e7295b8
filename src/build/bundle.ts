/**
 * All of etcd-lb as one file that needs Node and nothing beside it.
 *
 *   src/cli/main.ts ──► etcd's protocol and the page inlined ──► gRPC kept as text ──► etcd-lb.js
 *
 * Owns the content of the bundle. A plugin must inline every file that the program reads at run time: it reads
 * no other file than the bundle. What is shipped beside it is build.ts's.
 */
import { build, type Plugin } from 'rolldown';
import manifest from '../../package.json' with { type: 'json' };
import { inlineTemplates } from '../init/files/inline-plugin.ts';
import { inlinePage } from '../page/inline-plugin.ts';
import { complete } from './complete.ts';
import { deferred } from './deferred.ts';
import { etcdProtocol } from './etcd-protocol.ts';
import { listModules } from './licences/packages.ts';
import { requireNode } from './node-version.ts';

/**
 * Writes the bundle to `file`. Throws when something in it would be missing.
 *
 * @returns the paths of the modules that are in it, those of packages included.
 */
export async function buildBundle(file: string): Promise<ReadonlySet<string>> {
  const modules = new Set<string>();
  await build({
    ...complete,
    input: 'src/cli/main.ts',
    plugins: pluginsFor(listModules(modules)),
    // Names stay, for the stack of a bug. Comments go, since they would be read at every start.
    output: { file, format: 'esm', codeSplitting: false, comments: { legal: true, jsdoc: false } },
  });
  return modules;
}

/** What is added to the bundle besides imported code. @param lister sees each of the builds that it is made of. */
function pluginsFor(lister: Plugin): Plugin[] {
  return [
    deferred(['etcd3', 'cockatiel', '@grpc/grpc-js'], [etcdProtocol(), lister]),
    inlinePage([lister]),
    inlineTemplates(),
    requireNode(Number.parseInt(manifest.engines.node.replace(/^>=/, ''), 10)),
    lister,
  ];
}
