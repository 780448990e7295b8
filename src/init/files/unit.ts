/**
 * What systemd needs: the shipped unit as it is, and drop-ins with what differs on this node. A package that brought
 * the unit keeps it. Pure.
 */
import type { Plan } from '../plan.ts';

export const service = 'etcd-lb.service';
export const socket = 'etcd-lb.socket';
/** The units that need a drop-in too, where they are there. */
export const otherUnits = ['etcd-lb-relief.service', socket];
/** Where units lie. */
export const unitFolders = [
  '/etc/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];
export const servicePath = `/etc/systemd/system/${service}`;
export const sysusersFile = '/etc/sysusers.d/etcd-lb.conf';
/** Where the shipped unit expects the program. */
export const program = '/usr/local/bin/etcd-lb';

/** Credentials of the unit, and the settings that they are for. */
const credentials = { 'ca.crt': 'cacert', 'client.crt': 'cert', 'client.key': 'key' } as const;

export function dropInPath(unit: string): string {
  return `/etc/systemd/system/${unit}.d/50-this-node.conf`;
}

/** The unit without its instructions for installing. */
export function serviceOf(template: string): string {
  return template.replace(
    /^(?:#.*\n)+/,
    `# etcd-lb as a service, written by etcd-lb init. What differs on this node: ${dropInPath(service)}\n`,
  );
}

/** For a service: the certificates, and the flags for those that there are. */
export function serviceDropIn(template: string, { certificates }: Plan): string {
  const [start = ''] = /^ExecStart=.*$/m.exec(template) ?? [];
  const named = Object.entries(credentials);
  const missing = named.filter(([, setting]) => certificates[setting] === undefined);
  const reduced = missing.reduce(
    (line, [credential, setting]) =>
      line.replace(` --${setting} \${CREDENTIALS_DIRECTORY}/${credential}`, ''),
    start,
  );
  return [
    '# Written by etcd-lb init: the certificates of this node.',
    '[Service]',
    ...(missing.length > 0 ? ['ExecStart=', reduced] : []),
    '# Read by systemd as root at the start, and handed to the user etcd-lb as copies.',
    'LoadCredential=',
    ...named.flatMap(([credential, setting]) => {
      const path = certificates[setting]?.path;
      return path === undefined ? [] : [`LoadCredential=${credential}:${path}`];
    }),
    '',
  ].join('\n');
}

/** For the socket unit, which would else listen where the unit says. */
export function socketDropIn({ listen }: Plan): string {
  return [
    '# Written by etcd-lb init: where clients connect on this node.',
    '[Socket]',
    'ListenStream=',
    `ListenStream=127.0.0.1:${listen.port}`,
    '',
  ].join('\n');
}
