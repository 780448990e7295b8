/**
 * Settings from a YAML file: one flat map whose keys are the flags' names, as etcd's own
 * configuration file has it. Values are texts or lists of texts.
 *
 * Owns where in the file each value is, for later error messages. The texts mean what they mean in
 * flags; YAML's typing is not used: `0660` stays `0660` and `off` stays `off`.
 */
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { readTextFile } from '../../lib/files/text-file.ts';
import { ConfigError } from '../../lib/setting-error.ts';
import { nearest } from '../nearest.ts';
import { neighbourOf } from '../neighbours.ts';
import { options } from '../options.ts';
import type { Given, Source } from '../values/origin.ts';

/**
 * Throws `SettingError` for `config` when the file cannot be read, and `ConfigError` with line and column
 * for what is wrong inside.
 */
export function readFile(path: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(readTextFile('config', path), {
    schema: 'failsafe',
    lineCounter: lines,
    prettyErrors: false,
  });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const [error] = document.errors;
  if (error !== undefined) {
    throw new ConfigError(
      `${at(error.pos[0])}: not valid YAML (${error.message}); correct it, and put values with [, {, # or ": " into quotes.`,
    );
  }
  const source = new Map<string, Given>();
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === '')) return source;
  if (!isMap(contents)) {
    throw new ConfigError(`${at(startOf(contents))}: not a map; write lines of "name: value".`);
  }
  for (const pair of contents.items as Pair<Node, Node | null>[]) {
    const name = readName(pair.key, at);
    const place = at(startOf(pair.value ?? pair.key));
    source.set(name, {
      value: readValue(pair.value, `${place}: ${name}`),
      origin: { from: 'file', detail: place },
    });
  }
  return source;
}

function readName(key: Node, at: (offset: number) => string): string {
  const name = isScalar(key) ? String(key.value) : key.toString();
  const known = options.map((option) => option.name).filter((each) => each !== 'config');
  if (known.includes(name)) return name;
  const head = `${at(startOf(key))}: ${JSON.stringify(name)}`;
  const theirs = neighbourOf(name);
  if (theirs !== undefined) throw new ConfigError(`${head} ${theirs.replaceAll('--', '')}.`);
  const meant = nearest(name, known);
  const advice = meant === undefined ? 'remove it.' : `did you mean ${JSON.stringify(meant)}?`;
  throw new ConfigError(`${head} is not a setting; ${advice}`);
}

function readValue(node: Node | null, subject: string): string | string[] {
  if (node === null) return '';
  if (isScalar(node)) return String(node.value);
  if (isSeq(node) && node.items.every(isScalar))
    return node.items.map((item) => String(item.value));
  throw new ConfigError(
    `${subject}: neither a value nor a list of values; write one or the other.`,
  );
}

function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
