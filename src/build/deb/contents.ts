/** The files of the package, each with its path on the machine, its content and its mode. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

const root = join(import.meta.dirname, '../../..');

/** Where the units of config/ expect the program, and where a package may put it. */
const program = { inUnits: '/usr/local/bin/etcd-lb', here: '/usr/bin/etcd-lb' };

export interface Placed {
  /** Without a leading slash. */
  readonly path: string;
  readonly content: string | Buffer;
  readonly mode: 0o644 | 0o755;
}

export interface Parts {
  /** Path of the executable. */
  readonly executable: string;
  /** The manual page. */
  readonly manual: string;
  /** The licences of others. */
  readonly notice: string;
  readonly sbom: string;
}

/** All files, in the order of their paths. */
export async function contents(parts: Parts): Promise<Placed[]> {
  const shared = [
    ...(await units()),
    ...(await completions(parts.executable)),
    await config('etcd-lb.sysusers.conf', 'usr/lib/sysusers.d/etcd-lb.conf', 'config/systemd'),
    text('usr/share/man/man1/etcd-lb.1.gz', packed(parts.manual)),
    ...(await documents(parts)),
  ];
  const executable = await readFile(parts.executable);
  const all = [
    { path: program.here.slice(1), content: executable, mode: 0o755 } as const,
    ...shared,
  ];
  return all.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function units(): Promise<Placed[]> {
  const names = ['etcd-lb.service', 'etcd-lb-relief.service', 'etcd-lb.socket'];
  return await Promise.all(
    names.map(async (name) => {
      const unit = await config(name, `usr/lib/systemd/system/${name}`, 'config/systemd');
      // Without the comment at its head, which says how to install it by hand.
      const content = unit.content.slice(unit.content.indexOf('[Unit]'));
      return { ...unit, content: `# To change this: systemctl edit ${name}\n\n${content}` };
    }),
  );
}

/** What the program prints for each shell. */
async function completions(executable: string): Promise<Placed[]> {
  const places = {
    bash: 'usr/share/bash-completion/completions/etcd-lb',
    zsh: 'usr/share/zsh/vendor-completions/_etcd-lb',
    fish: 'usr/share/fish/vendor_completions.d/etcd-lb.fish',
  };
  const made = Object.entries(places).map(async ([shell, path]) => {
    const { stdout } = await promisify(execFile)(executable, ['completion', shell]);
    return text(path, stdout);
  });
  return await Promise.all(made);
}

async function documents({ notice, sbom }: Parts): Promise<Placed[]> {
  const folder = 'usr/share/doc/etcd-lb';
  return [
    text(`${folder}/copyright`, `${copyright}\n${notice}`),
    text(`${folder}/changelog.gz`, packed(await readFile(join(root, 'CHANGELOG.md'), 'utf8'))),
    text(`${folder}/etcd-lb.cdx.json.gz`, packed(sbom)),
    await config('etcd-lb.example.yaml', `${folder}/etcd-lb.example.yaml`),
    await config('etcd-lb.schema.json', `${folder}/etcd-lb.schema.json`),
    await config('README.md', `${folder}/systemd.md`, 'config/systemd'),
  ];
}

const copyright = `etcd-lb stands under the Apache License 2.0, whose text is in
/usr/share/common-licenses/Apache-2.0.
`;

/** A file of config/, in which the program is where this package has it. */
async function config(name: string, path: string, folder = 'config') {
  const content = await readFile(join(root, folder, name), 'utf8');
  return text(path, content.replaceAll(program.inUnits, program.here));
}

function text<Content extends string | Buffer>(path: string, content: Content) {
  return { path, content, mode: 0o644 } as const;
}

function packed(content: string): Buffer {
  return gzipSync(content, { level: 9 });
}
