/** Looks at a node: reads its manifests, the permissions of its certificates, and which ports are taken. */
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { readBounded } from '../../lib/files/text-file.ts';
import { ConfigError } from '../../lib/setting-error.ts';
import { inWords } from '../../lib/system-error.ts';
import {
  apiserverIn,
  clientPairs,
  type FileMode,
  manifests,
  memberIn,
  type Node,
  usualCa,
} from './node.ts';

/**
 * What the files below `root` say.
 *
 * @param more further certificate files, whose permissions are looked up.
 * @throws `ConfigError` when a manifest cannot be read or is of no use.
 */
export function lookAt(root: string, more: readonly string[]): Node {
  const etcd = readManifest(root, 'etcd.yaml', memberIn);
  const apiserver = readManifest(root, 'kube-apiserver.yaml', apiserverIn);
  const named = [apiserver?.cacert, apiserver?.cert, apiserver?.key];
  const usual = [usualCa, ...clientPairs.flatMap(({ cert, key }) => [cert, key])];
  const paths = [...usual, ...more, ...named].flatMap((path) => path ?? []);
  const files = new Map(paths.flatMap((path) => modeOf(root, path)));
  return { ...(etcd && { etcd }), ...(apiserver && { apiserver }), files };
}

/** Nothing for a file that is not there, or in a folder that this user may not enter. */
function modeOf(root: string, path: string): [string, FileMode][] {
  try {
    const { mode, uid } = statSync(join(root, path));
    return [[path, { mode: mode & 0o777, uid }]];
  } catch {
    return [];
  }
}

function readManifest<T>(root: string, name: string, read: (path: string, text: string) => T) {
  const path = join(root, manifests, name);
  let text: string;
  try {
    text = readBounded(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError(`${path} cannot be read: ${inWords(error)}; run this as root.`);
  }
  return read(path, text);
}

/** Those of these ports on which nothing can listen at 127.0.0.1. */
export async function takenAmong(ports: readonly number[]): Promise<ReadonlySet<number>> {
  const taken = await Promise.all(ports.map(async (port) => ((await isFree(port)) ? [] : [port])));
  return new Set(taken.flat());
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
