/** What dpkg is told of the package: its name, its architecture, what it needs. */
import { arch } from 'node:process';
import manifest from '../../../package.json' with { type: 'json' };

/** As Debian calls the processors that Node runs on. */
const architectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'armhf',
  ppc64: 'ppc64el',
  s390x: 's390x',
};

/** This machine's. Throws for one that Debian has no name for here. */
export function architecture(): string {
  const name = architectures[arch];
  if (name === undefined)
    throw new Error(`There is no .deb for ${arch}: build the executable alone.`);
  return name;
}

/** What Node, and so the executable, is linked with: the first releases with all that it asks of them. */
export const libraries = { libc6: '2.28', 'libstdc++6': '7', libatomic1: '4.8' };

/** @param size of all installed files, in KiB. */
export function control(size: number): string {
  const depends = Object.entries(libraries).map(([name, version]) => `${name} (>= ${version})`);
  return `Package: ${manifest.name}
Version: ${manifest.version}
Architecture: ${architecture()}
Maintainer: etcd-lb <etcd-lb@users.noreply.github.com>
Section: net
Priority: optional
Homepage: ${manifest.homepage}
Depends: ${depends.join(', ')}
Installed-Size: ${size}
Description: load balancer for etcd
 It listens on one address, checks the health of the etcd members behind it,
 and sends each client connection to a healthy one. It runs beside
 kube-apiserver, which then needs a single --etcd-servers.
`;
}
