/** The NOTICE file: who else's software is in what is shipped, and under which licence. */
import type { Runtime } from './node.ts';
import type { Package } from './packages.ts';

const line = '='.repeat(80);

/** @param node the Node that is shipped too, if it is. */
export function noticeOf(packages: readonly Package[], node?: Runtime): string {
  const parts = [
    ...packages.map(({ name, version, licence, texts }) =>
      [`${name} ${version} (${licence})`, ...texts.map((text) => text.trim())].join('\n\n'),
    ),
    ...(node ? [`Node.js ${node.version} (MIT, and others)\n\n${node.text.trim()}`] : []),
  ];
  const head =
    'etcd-lb stands under the Apache License 2.0 (LICENSE). It contains software of others, whose licences follow.';
  return [head, ...parts].join(`\n\n${line}\n`).replaceAll('\r\n', '\n').concat('\n');
}
