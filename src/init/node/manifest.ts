/** The flags of a process in a static pod's manifest, as kubeadm writes it. Pure. */
import { posix } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import * as z from 'zod/mini';
import { ConfigError } from '../../lib/setting-error.ts';

/** By name without `--`; a bare flag is `true`. Of a repeated flag the last counts, as in Go. */
export type ProcessFlags = ReadonlyMap<string, string>;

const words = z.optional(z.array(z.string()));
const pod = z.looseObject({
  spec: z.looseObject({
    containers: z.array(z.looseObject({ command: words, args: words })),
  }),
});

/**
 * The flags of the container that runs `program`.
 *
 * @param path of the manifest, for messages.
 * @throws `ConfigError` when the text is no manifest, or has no such container.
 */
export function flagsIn(path: string, text: string, program: string): ProcessFlags {
  const manifest = pod.safeParse(parse(path, text));
  const command = (manifest.success ? manifest.data.spec.containers : [])
    .map(({ command = [], args = [] }) => [...command, ...args])
    .find(([first = '']) => posix.basename(first) === program);
  if (command !== undefined) return readFlags(command.slice(1));
  throw new ConfigError(
    `${path}: no container runs ${program}; correct the manifest, or move it away and name the members in --endpoints.`,
  );
}

function parse(path: string, text: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error === undefined) {
    try {
      return document.toJS();
    } catch {
      return undefined; // an alias that leads nowhere, or a thousand of them
    }
  }
  const { line, col } = lineCounter.linePos(error.pos[0]);
  throw new ConfigError(
    `${path}:${line}:${col}: not valid YAML (${error.message}); correct the manifest, or move it away and name the members in --endpoints.`,
  );
}

/** `--name=value`, `--name value` and `--name`. */
function readFlags(given: readonly string[]): ProcessFlags {
  const flags = new Map<string, string>();
  for (const [index, word] of given.entries()) {
    const [, name, value] = /^--?([a-z][\w-]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) continue;
    const next = given[index + 1];
    flags.set(name, value ?? (next === undefined || next.startsWith('-') ? 'true' : next));
  }
  return flags;
}
