/**
 * A recipe of docs/recipes.md, carried out as it stands there, line by line, by somebody who can only
 * read it. What is said behind a line counts, see command-blocks.ts. `systemctl stop etcd` and the like are what
 * the test does in their place.
 *
 * Leaves to the tests the cluster, and what must be true in the end.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { EtcdBinary } from '../../src/demo/etcd-binary.ts';
import { etcdLb } from './balancer.ts';
import type { ClientCredentials } from './certificates.ts';
import { etcdctl } from './clients.ts';
import { blocksIn, commandsIn, expectLike } from './command-blocks.ts';
import { retried } from './joining-member.ts';

const path = join(import.meta.dirname, '../../docs/recipes.md');

/** An address at which nobody is. */
const nowhere = '127.0.0.1:1';

export interface Hands {
  /** Whose etcdctl is used. */
  readonly etcd: EtcdBinary;
  /** For etcdctl, where members have TLS. */
  readonly certificates?: ClientCredentials | undefined;
  /** Where `etcd-lb` finds the balancer. */
  readonly adminSocket: string;
  /** The member that is cp1 in the recipe. */
  readonly cp1: string;
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
  const found = blocksIn(section)[block];
  if (found === undefined) throw new Error(`${path} has no such commands under ${heading}`);
  return [...found.lines];
}

/** Carries lines out; rejects with the line that did not do what is said behind it. */
export async function carryOut(lines: readonly string[], hands: Hands): Promise<void> {
  for (const { command, isRepeated, expected } of commandsIn(lines)) {
    const once = async (): Promise<void> => {
      expectLike(await run(command, hands), expected.replaceAll(/\bcp1\b/g, hands.cp1));
    };
    await (isRepeated ? retried(once) : once()).catch((cause: Error) => {
      throw new Error(`${command}: ${cause.message}`, { cause });
    });
    await hands.onDone(command);
  }
}

async function run(command: string, hands: Hands): Promise<string> {
  const { [command]: done } = hands.byHand;
  if (done !== undefined) return String((await done()) ?? '');
  const [program, ...words] = await Promise.all(
    command.split(' ').map((word) => (word === 'cp1' ? hands.cp1 : meaningOf(word, hands))),
  );
  if (program === 'etcd-lb') {
    const env = { ETCD_LB_ADMIN_SOCKET: hands.adminSocket };
    const { code, stdout, stderr } = await etcdLb(words, env);
    if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
    return stripVTControlCharacters(stdout);
  }
  if (program !== 'etcdctl') throw new Error('nobody knows how');
  // What asks no member.
  if (words[0] === 'snapshot') return await etcdctl(hands.etcd, nowhere)(...words);
  if (words[0] !== '--endpoints') throw new Error('nobody knows how');
  return await etcdctl(hands.etcd, words[1] ?? '', hands.certificates)(...words.slice(2));
}

async function meaningOf(word: string, { values }: Hands): Promise<string> {
  if (!word.includes('$')) return word;
  const find = values[word];
  if (find === undefined) throw new Error(`nobody knows ${word}`);
  return await find();
}
