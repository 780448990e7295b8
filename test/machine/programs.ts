/**
 * The programs of the other contestants, of load and of some faults: the ones in PATH, or the distribution's
 * packages, unpacked into .cache/programs without touching the system and run from there with their
 * own shared libraries. Only iproute2 and nftables are installed, since namespaces need root anyway
 * and these two belong to the kernel they talk to, and Chromium, which needs half a desktop beside it.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Apt } from '../../src/demo/apt.ts';

const run = promisify(execFile);

const cache = join(import.meta.dirname, '../../.cache/programs');
/** Where Debian keeps programs; root's own are not in everybody's PATH. */
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];

export interface Program {
  readonly path: string;
  /** What it needs to find its libraries. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Nginx extends Program {
  /** Path of ngx_stream_module.so. */
  readonly streamModule: string;
}

export async function findHaproxy(): Promise<Program> {
  const path = await inFolders('haproxy', folders);
  if (path) return { path, env: {} };
  const root = await unpacked('haproxy', [
    'haproxy',
    ...['liblua5.3-0', 'libopentracing-c-wrapper0', 'libopentracing1', 'libpcre2-8-0'],
  ]);
  return { path: join(root, 'usr/sbin/haproxy'), env: await libraries(root) };
}

export async function findNginx(): Promise<Nginx> {
  const path = await inFolders('nginx', folders);
  const streamModule = '/usr/lib/nginx/modules/ngx_stream_module.so';
  if (path && (await exists(streamModule))) return { path, env: {}, streamModule };
  const root = await unpacked('nginx', ['nginx', 'libnginx-mod-stream', 'libpcre2-8-0']);
  return {
    path: join(root, 'usr/sbin/nginx'),
    env: await libraries(root),
    streamModule: join(root, streamModule),
  };
}

export async function findH2load(): Promise<Program> {
  const packages = ['nghttp2-client', 'libnghttp2-14', 'libev4', 'libjansson4', 'libjemalloc2'];
  return await findTool('h2load', [...packages, 'libxml2', 'libicu72']);
}

export async function findWrk(): Promise<Program> {
  return await findTool('wrk', ['wrk', 'libluajit-5.1-2', 'libluajit-5.1-common']);
}

export async function findIperf3(): Promise<Program> {
  return await findTool('iperf3', ['iperf3', 'libiperf0', 'libsctp1']);
}

export async function findDnsmasq(): Promise<Program> {
  const path = await inFolders('dnsmasq', folders);
  if (path) return { path, env: {} };
  const root = await unpacked('dnsmasq', [
    ...['dnsmasq-base', 'libnetfilter-conntrack3', 'libnfnetlink0', 'libmnl0', 'libnftables1'],
    ...['libnftnl11', 'libjansson4', 'libdbus-1-3', 'libnettle8', 'libhogweed6', 'libidn2-0'],
  ]);
  return { path: join(root, 'usr/sbin/dnsmasq'), env: await libraries(root) };
}

export async function findRunc(): Promise<Program> {
  const path = await inFolders('runc', folders);
  if (path) return { path, env: {} };
  const root = await unpacked('runc', ['runc', 'libseccomp2']);
  return { path: join(root, 'usr/sbin/runc'), env: await libraries(root) };
}

export async function findStrace(): Promise<Program> {
  return await findTool('strace', ['strace', 'libunwind8']);
}

/** What curl and wget share beyond a small Debian's own libraries. */
const web = ['libpsl5', 'libidn2-0', 'libunistring2', 'libgnutls30', 'libnettle8', 'libhogweed6'];

export async function findCurl(): Promise<Program> {
  return await findTool('curl', [
    ...['curl', 'libcurl4', 'libnghttp2-14', 'librtmp1', 'libssh2-1', 'libbrotli1', 'libssl3'],
    ...['libldap-2.5-0', 'libsasl2-2', 'libgssapi-krb5-2', 'libkrb5-3', 'libk5crypto3'],
    ...['libkrb5support0', 'libkeyutils1', ...web],
  ]);
}

export async function findWget(): Promise<Program> {
  return await findTool('wget', ['wget', 'libuuid1', ...web]);
}

/** What the programs of systemd need beyond a small Debian's own libraries. */
const systemd = [
  ...['systemd', 'libsystemd-shared', 'libapparmor1', 'libip4tc2', 'libkmod2', 'libseccomp2'],
  ...['libssl3', 'libcap-ng0'],
];

/** Checks units without running any. */
export async function findSystemdAnalyze(): Promise<Program> {
  return await findSystemdTool('systemd-analyze');
}

/** Starts a program as a socket unit would. */
export async function findSocketActivate(): Promise<Program> {
  return await findSystemdTool('systemd-socket-activate');
}

export async function findSystemdNotify(): Promise<Program> {
  return await findSystemdTool('systemd-notify');
}

async function findSystemdTool(name: string): Promise<Program> {
  const path = await inFolders(name, folders);
  if (path) return { path, env: {} };
  const root = await unpacked('systemd', systemd);
  const { LD_LIBRARY_PATH: places = '' } = await libraries(root);
  const shared = places.split(':').map((place) => join(place, 'systemd'));
  return {
    path: (await inFolders(name, [join(root, 'usr/bin'), join(root, 'bin')])) ?? name,
    env: {
      LD_LIBRARY_PATH: [places, ...shared].join(':'),
      // Units refer to systemd's own, which a machine without it has not.
      SYSTEMD_UNIT_PATH: join(root, 'lib/systemd/system'),
    },
  };
}

export async function findShellcheck(): Promise<Program> {
  return await findTool('shellcheck', ['shellcheck', 'libffi8', 'libgmp10']);
}

export async function findKeepalived(): Promise<Program> {
  const path = await inFolders('keepalived', folders);
  if (path) return { path, env: {} };
  const root = await unpacked('keepalived', [
    ...['keepalived', 'libnl-3-200', 'libnl-genl-3-200', 'libnftnl11', 'libmnl0', 'libglib2.0-0'],
    ...['libsnmp40', 'libperl5.36', 'libpci3', 'libsensors5', 'libwrap0', 'libnsl2', 'libtirpc3'],
    ...['libgssapi-krb5-2', 'libkrb5-3', 'libk5crypto3', 'libkrb5support0', 'libkeyutils1'],
    ...['libffi8', 'libcom-err2', 'libssl3'],
  ]);
  return { path: join(root, 'usr/sbin/keepalived'), env: await libraries(root) };
}

/** Sees to every tool that makes load, one after the other. Throws one sentence for the first that is missing. */
export async function ensureLoadTools(): Promise<void> {
  for (const find of [findH2load, findWrk, findIperf3]) await find();
}

export async function findPrometheus(): Promise<Program> {
  return await findTool('prometheus', ['prometheus']);
}

/** It comes in the package of Prometheus. */
export async function findPromtool(): Promise<Program> {
  return await findTool('promtool', ['prometheus'], 'prometheus');
}

/** Formats manual pages, and warns of what is wrong in one. */
export async function findGroff(): Promise<Program> {
  const path = await inFolders('groff', folders);
  if (path) return { path, env: {} };
  const root = await unpacked('groff', ['groff-base', 'libuchardet0']);
  const shared = join(root, 'usr/share/groff/current');
  const env = {
    GROFF_BIN_PATH: join(root, 'usr/bin'),
    GROFF_FONT_PATH: join(shared, 'font'),
    GROFF_TMAC_PATH: join(shared, 'tmac'),
  };
  return { path: join(root, 'usr/bin/groff'), env: { ...env, ...(await libraries(root)) } };
}

export async function findKubectl(): Promise<Program> {
  return await findTool('kubectl', ['kubernetes-client']);
}

/** A tool that Debian keeps in /usr/bin. @param folder where its packages are unpacked. */
async function findTool(
  name: string,
  packages: readonly string[],
  folder = name,
): Promise<Program> {
  const path = await inFolders(name, folders);
  if (path) return { path, env: {} };
  const root = await unpacked(folder, packages);
  return { path: join(root, 'usr/bin', name), env: await libraries(root) };
}

/** The library that steps the clock of one process. */
export async function findFaketime(): Promise<string> {
  const root = await unpacked('faketime', ['libfaketime']);
  for (const folder of await readdir(join(root, 'usr/lib'))) {
    const file = join(root, 'usr/lib', folder, 'faketime/libfaketimeMT.so.1');
    if (await exists(file)) return file;
  }
  throw new Error('The libfaketime package holds no libfaketimeMT.so.1: use Debian 12 or later.');
}

/**
 * Sees to what network namespaces need: root, ip and nft; the latter two are installed if missing.
 *
 * @throws one sentence that says what is missing.
 */
export async function ensureNamespaces(onProgress: (line: string) => void): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error(
      'This fault cuts the network of a member in a network namespace, which only root may make: run it as root.',
    );
  }
  const missing = [
    ...((await inFolders('ip', folders)) ? [] : ['iproute2']),
    ...((await inFolders('nft', folders)) ? [] : ['nftables']),
  ];
  if (missing.length === 0) return;
  onProgress(`installing ${missing.join(' and ')} (apt-get) …`);
  await install(missing).catch((error: Error) => {
    throw new Error(
      `Network namespaces need ${missing.join(' and ')}, which apt-get could not install (${error.message.split('\n')[0]}): install them by hand.`,
    );
  });
}

/** The browser in PATH, or else the distribution's, which is installed. Throws one sentence when there is none. */
export async function findChromium(): Promise<string> {
  const path = await inFolders('chromium', folders);
  if (path) return path;
  if (process.getuid?.() === 0) {
    console.log('installing chromium (apt-get) …');
    await install(['chromium', 'fonts-dejavu-core']).catch((error: Error) => {
      throw new Error(
        `The status page is tested in Chromium, which apt-get could not install (${error.message.split('\n')[0]}): install it by hand.`,
      );
    });
    const installed = await inFolders('chromium', folders);
    if (installed) return installed;
  }
  throw new Error('The status page is tested in Chromium: apt-get install chromium.');
}

/** Has the distribution install packages, after a look for newer lists of them if need be. Only root may. */
async function install(packages: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const once = () =>
    run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env });
  await once().catch(async () => {
    await run('apt-get', ['update'], { env }).catch(() => {});
    await once();
  });
}

async function inFolders(name: string, where: readonly string[]): Promise<string | undefined> {
  for (const folder of where) {
    const path = join(folder, name);
    if (folder !== '' && (await exists(path))) return path;
  }
  return undefined;
}

/** The folder with what is in these packages, from the cache or fetched now. */
async function unpacked(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(cache, `${name}-${process.arch}`);
  if (await exists(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, '.fetch-'));
  try {
    const apt = new Apt(work, 'this distribution', () => {}, undefined);
    console.log(`downloading ${packages.join(', ')} …`);
    const programs = await apt.unpack(packages).catch((error: Error) => {
      throw new Error(
        `${name} is missing and could not be fetched: apt-get install ${packages.slice(0, 2).join(' ')} (${error.message})`,
      );
    });
    await rename(join(programs, '../..'), folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

async function libraries(root: string): Promise<Record<string, string>> {
  const places: string[] = [];
  for (const parent of ['lib', 'usr/lib']) {
    const path = join(root, parent);
    const names = await readdir(path).catch(() => []);
    places.push(...names.map((each) => join(path, each)));
  }
  return { LD_LIBRARY_PATH: places.join(':') };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
