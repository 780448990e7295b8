/**
 * A recipe of docs/recipes.md, carried out as it stands there, line by line, by somebody who can only
 * read it. What is said behind a line counts:
 *
 *   etcd-lb status           # until "m1 … healthy"      repeated until a line of the output has that
 *   etcdctl … health         # until it succeeds         repeated until it does
 *   etcd-lb drain m1 --wait  # says "no session left"    once, and the output must have that
 *   systemctl stop etcd                                  what the test does in its place
 *
 * Leaves to the tests the cluster, and what must be true in the end.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { EtcdBinary } from '../../src/demo/etcd-binary.ts';
import { etcdLb } from './balancer.ts';
import { etcdctl } from './clients.ts';
import { retried } from './joining-member.ts';

const path = join(import.meta.dirname, '../../docs/recipes.md');

export interface Hands {
  /** Whose etcdctl is used. */
  readonly etcd: EtcdBinary;
  /** Where `etcd-lb` finds the balancer. */
  readonly adminSocket: string;
  /** The member that is m1 in the recipe. */
  readonly m1: string;
  /** What the recipe leaves open, such as `$OTHERS`; found out when a line has it. */
  readonly values: Readonly<Record<string, () => string | Promise<string>>>;
  /** What is done for every other line, by its text. */
  readonly byHand: Readonly<Record<string, () => Promise<unknown>>>;
  /** Told of each line that was carried out. */
  readonly onDone: (command: string) => Promise<void>;
}

/** The lines of the nth block of commands (from 0) under a heading. Throws when there is none. */
export async function linesUnder(heading: string, block = 0): Promise<string[]> {
  const sections = (await readFile(path, 'utf8')).split(/^## /m);
  const section = sections.find((each) => each.startsWith(`${heading}\n`)) ?? '';
  const text = [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)][block]?.[1];
  if (text === undefined) throw new Error(`${path} has no such commands under ${heading}`);
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** Carries lines out; rejects with the line that did not do what is said behind it. */
export async function carryOut(lines: readonly string[], hands: Hands): Promise<void> {
  for (const line of lines) {
    const [command = '', comment = ''] = line.split(/\s+# /);
    const expected = /^(until|says) "(.*)"/.exec(comment);
    const pattern = patternFor(expected?.[2] ?? '', hands.m1);
    const once = async (): Promise<void> => {
      const output = await run(command, hands);
      if (!pattern.test(output)) throw new Error(`no line is like ${pattern} in: ${output}`);
    };
    await (comment.startsWith('until ') ? retried(once) : once()).catch((cause: Error) => {
      throw new Error(`${command}: ${cause.message}`, { cause });
    });
    await hands.onDone(command);
  }
}

/** `…` stands for anything; the rest for itself, all of it in one line. */
function patternFor(text: string, m1: string): RegExp {
  const parts = text.replaceAll(/\bm1\b/g, m1).split('…');
  return new RegExp(parts.map((part) => RegExp.escape(part)).join('.*'), 'm');
}

async function run(command: string, hands: Hands): Promise<string> {
  const { [command]: done } = hands.byHand;
  if (done !== undefined) return String((await done()) ?? '');
  const [program, ...words] = await Promise.all(
    command.split(' ').map((word) => (word === 'm1' ? hands.m1 : meaningOf(word, hands))),
  );
  if (program === 'etcd-lb') {
    const env = { ETCD_LB_ADMIN_SOCKET: hands.adminSocket };
    const { code, stdout, stderr } = await etcdLb(words, env);
    if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
    return stripVTControlCharacters(stdout);
  }
  if (program !== 'etcdctl' || words[0] !== '--endpoints') throw new Error('nobody knows how');
  return await etcdctl(hands.etcd, words[1] ?? '')(...words.slice(2));
}

async function meaningOf(word: string, { values }: Hands): Promise<string> {
  if (!word.includes('$')) return word;
  const find = values[word];
  if (find === undefined) throw new Error(`nobody knows ${word}`);
  return await find();
}
