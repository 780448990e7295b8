/** `etcd-lb version`: which build this is. */
import manifest from '../../package.json' with { type: 'json' };
import { documentOf, type Format } from './flags/output.ts';

/** From package.json. */
export const version: string = manifest.version;

export async function printVersion(format: Format): Promise<void> {
  const platform = `${process.platform}-${process.arch}`;
  const node = process.versions.node;
  const text =
    format === 'table'
      ? `etcd-lb ${version} (node ${node}, ${platform})\n`
      : await documentOf({ version, node, platform }, format);
  process.stdout.write(text);
}
