/** What `etcd-lb snapshot save` is told for a scheduled snapshot: the members of now, and what it takes to reach them. Pure. */
import type { Settings } from '../../config/settings.ts';
import { usualAdminSocket } from '../../config/values/listen.ts';
import type { Member } from '../../members/member.ts';

type SaveSettings = Pick<
  Settings,
  | 'certificateFiles'
  | 'serverName'
  | 'checkUrl'
  | 'etcdUser'
  | 'passwordFile'
  | 'snapshotMaxRate'
  | 'adminSocket'
>;

/** @param file where it goes. */
export function saveArguments(
  file: string,
  members: readonly Pick<Member, 'name' | 'endpoint'>[],
  settings: SaveSettings,
): string[] {
  const { certificateFiles: files, adminSocket } = settings;
  const socket = { auto: usualAdminSocket, off: 'off', path: '' }[adminSocket.kind];
  const flags: Readonly<Record<string, string | undefined>> = {
    endpoints: [...new Set(members.map(named))].join(),
    ...{ cacert: files.cacert, cert: files.cert, key: files.key },
    ...{ 'server-name': settings.serverName, 'check-url': settings.checkUrl },
    ...{ user: settings.etcdUser?.name, 'password-file': settings.passwordFile },
    'max-rate': `${settings.snapshotMaxRate}B`,
    'admin-socket': adminSocket.kind === 'path' ? adminSocket.path : socket,
  };
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  return [file, ...given.flatMap(([name, value]) => [`--${name}`, value ?? ''])];
}

/** A member that nobody named is called by its address, which cannot stand in front of a URL. */
function named({ name, endpoint }: Pick<Member, 'name' | 'endpoint'>): string {
  return /^[\w.-]+$/.test(name) ? `${name}=${endpoint}` : endpoint;
}
