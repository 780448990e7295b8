/**
 * A plugin that has the bundle say which Node it needs, where an older one runs it.
 *
 * A name that a built-in module does not export is an error before any line runs:
 *
 *   import { styleText } from 'node:util';     SyntaxError: … does not provide an export named …
 *   import * as util from 'node:util';         util.styleText is undefined
 *
 * So the bundle imports whole modules, looks at the version, and takes the names after that.
 */
import type { Plugin } from 'rolldown';

/**
 * Fails the build where something else is imported, which would be linked before the version is seen.
 *
 * @param least the oldest major version that will do.
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

/** What `import a, { b as c } from "node:d";` takes, as a destructuring does, and from where. */
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

/** For a Node of any age, so in old words. */
function versionCheck(least: number): string {
  const sentence = `etcd-lb: this is Node ' + process.version + ', and etcd-lb needs Node ${least} or later; install it, or put it first in PATH.`;
  return `if (parseInt(process.versions.node) < ${least}) {
  console.error('${sentence}');
  process.exit(1);
}`;
}
