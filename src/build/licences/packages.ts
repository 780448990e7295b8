/**
 * Which packages of npm are in the bundle, with the licences that must go with them. What was bundled decides, not
 * what is installed: a package that only a development tool needs is not among them.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';

const lockfile = join(import.meta.dirname, '../../../package-lock.json');

/** A package of which at least one module is in the bundle. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, such as `MIT`. */
  readonly licence: string;
  /** As the lockfile has it: the name of the hash, `-`, and the hash in base64. */
  readonly integrity: string;
  /** Its files of licence and notice. */
  readonly texts: readonly string[];
}

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
}

/** A plugin that adds to `modules` the path of each module that ends up in what is built. */
export function listModules(modules: Set<string>): Plugin {
  return {
    name: 'list-modules',
    generateBundle: (_, files) => {
      for (const file of Object.values(files)) {
        if (file.type === 'chunk') for (const id of file.moduleIds) modules.add(id);
      }
    },
  };
}

/**
 * The packages that these modules are of, by name.
 *
 * @throws when a package is not in the lockfile, or names no licence or has no text of it.
 */
export async function packagesOf(modules: Iterable<string>): Promise<Package[]> {
  const { packages } = JSON.parse(await readFile(lockfile, 'utf8')) as {
    packages: Readonly<Record<string, Locked>>;
  };
  const folders = new Map([...modules].flatMap((path) => placeOf(path) ?? []));
  const found = [...folders].map(([place, folder]) => packageAt(place, folder, packages[place]));
  return (await Promise.all(found)).toSorted(
    (a, b) => order(a.name, b.name) || order(a.version, b.version),
  );
}

/** Where the lockfile has the package of a module, and its folder; none for a module of our own. */
function placeOf(path: string): [place: string, folder: string][] | undefined {
  const [...steps] = path.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g);
  const last = steps.at(-1);
  if (last === undefined) return undefined;
  const place = steps.map(([step]) => step).join('/');
  return [[place, path.slice(0, last.index + last[0].length)]];
}

async function packageAt(place: string, folder: string, locked?: Locked): Promise<Package> {
  const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const { version, license: licence, integrity } = locked ?? {};
  if (version === undefined || licence === undefined || integrity === undefined) {
    throw new Error(
      `package-lock.json tells no version, licence and hash of ${place}: install it.`,
    );
  }
  const files = (await readdir(folder)).filter((file) =>
    /^(licen[cs]e|copying|notice)/i.test(file),
  );
  if (files.length === 0)
    throw new Error(`${place} has no text of its licence: see what it asks for.`);
  const texts = files.toSorted(order).map((file) => readFile(join(folder, file), 'utf8'));
  return { name, version, licence, integrity, texts: await Promise.all(texts) };
}

/** The same everywhere, whatever the language of the machine. */
function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
