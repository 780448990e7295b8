/**
 * A plugin that makes the bundle print which Node it needs when an older one runs it.
 *
 * Importing a name that a built-in module does not export is an error before any line runs:
 *
 *   import { styleText } from 'node:util';     SyntaxError: … does not provide an export named …
 *   import * as util from 'node:util';         util.styleText is undefined
 *
 * So the bundle imports whole modules, checks the version, and takes the names afterwards.
 */
import type { Plugin } from 'rolldown';

/**
 * Fails the build if anything else is imported, which would be linked before the version is checked.
 *
 * @param least the oldest supported major version.
 */
export function requireNode(least: number): Plugin {
  return {
    name: 'require-node',
    renderChunk: (code) => {
      const lines = code.split('\n');
      const imports = lines.flatMap((line) => importIn(line) ?? []);
      const rest = lines.filter((line) => importIn(line) === undefined);
      const early = rest.find((line) => line.startsWith('import '));
      if (early !== undefined) throw new Error(`would be linked too early: ${early}`);
      const shebang = rest[0]?.startsWith('#!') ? rest.splice(0, 1) : [];
      const modules = imports.map(
        ({ from }, index) => `import * as builtin$${index} from ${from};`,
      );
      const names = imports.map(({ names }, index) => `const { ${names} } = builtin$${index};`);
      return [...shebang, ...modules, versionCheck(least), ...names, ...rest].join('\n');
    },
  };
}

/** The names of `import a, { b as c } from "node:d";` in the form of a destructuring, and the module. */
function importIn(line: string): { readonly names: string; readonly from: string } | undefined {
  const [, whole, named, from] =
    /^import ([\w$]+)?(?:, )?(?:\{ ([^}]+) \})? from ("node:[\w/]+");$/.exec(line) ?? [];
  if (from === undefined) return undefined;
  const names = [
    ...(whole === undefined ? [] : [`default: ${whole}`]),
    ...(named === undefined ? [] : [named.replaceAll(' as ', ': ')]),
  ];
  return { names: names.join(', '), from };
}

/** Runs on any Node, so it uses old syntax only. */
function versionCheck(least: number): string {
  const sentence = `etcd-lb: this is Node ' + process.version + ', and etcd-lb needs Node ${least} or later; install it, or put it first in PATH.`;
  return `if (parseInt(process.versions.node) < ${least}) {
  console.error('${sentence}');
  process.exit(1);
}`;
}
