/**
 * The files of config/ that are adapted to a node. In the bundle inline-plugin.ts replaces each export by its text.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const podTemplate = read('kubernetes/etcd-lb.yaml');
export const serviceTemplate = read('systemd/etcd-lb.service');
export const sysusersTemplate = read('systemd/etcd-lb.sysusers.conf');

function read(path: string): string {
  return readFileSync(join(import.meta.dirname, '../../../config', path), 'utf8');
}
