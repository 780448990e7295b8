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
  /** What etcdctl shows and trusts. */
  readonly certificates?: ClientCredentials | undefined;
  /** Where `etcd-lb` finds the balancer. */
  readonly adminSocket: string;
  /** What people put in place of words of the recipe: `m0` for `cp1`, `3 of 3` for `2 of 2`. */
  readonly names: Readonly<Record<string, string>>;
  /** What the recipe leaves open, such as `$OTHERS`; found out when a line has it. */
  readonly values: Readonly<Record<string, () => string | Promise<string>>>;
  /** What is done for every other line, by its text. */
  readonly byHand: Readonly<Record<string, () => Promise<unknown>>>;
  /** Told of each line that was carried out. */
  readonly onDone: (command: string) => Promise<void>;
}

/** The blocks of commands under a heading, in their order. */
export async function blocksUnder(heading: string): Promise<string[][]> {
  const sections = (await readFile(path, 'utf8')).split(/^##+ /m);
  const section = sections.find((each) => each.startsWith(`${heading}\n`)) ?? '';
  return blocksIn(section).map(({ lines }) => [...lines]);
}

/** A row of the table on the page: a recipe, what it costs, and on what it was carried out. */
export interface Row {
  readonly heading: string;
  /** In failed calls, such as `0, passthrough at most 2`. */
  readonly cost: string;
  /** Such as `3.4 originate`. */
  readonly carriedOut: readonly string[];
}

export function rowsIn(page: string): Row[] {
  const rows = page.matchAll(/^\| \[(.*?)\]\(#.*?\) \| (.*?) \| (.*?) \|$/gm);
  return [...rows].map(([, heading = '', cost = '', carriedOut = '']) => ({
    heading,
    cost,
    carriedOut: carriedOut.split(', '),
  }));
}

/** How many calls a recipe may cost in a mode, as the table says. Throws when it does not say a number. */
export async function costOf(heading: string, mode: string): Promise<number> {
  const row = rowsIn(await readFile(path, 'utf8')).find((each) => each.heading === heading);
  const [, most, other, mostThere] =
    /^(\d+)(?:, (\w+) at most (\d+))?$/.exec(row?.cost ?? '') ?? [];
  if (most === undefined) throw new Error(`${path} does not say what ${heading} costs`);
  return Number(mode === other ? mostThere : most);
}

/** Carries lines out; rejects with the line that did not do what is said behind it. */
export async function carryOut(lines: readonly string[], hands: Hands): Promise<void> {
  for (const { command, isRepeated, expected } of commandsIn(lines)) {
    const once = async (): Promise<void> => {
      expectLike(await run(command, hands), inNames(expected, hands));
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
    command.split(/ +/).map((word) => hands.names[word] ?? meaningOf(word, hands)),
  );
  if (program === 'etcd-lb') {
    const env = { ETCD_LB_ADMIN_SOCKET: hands.adminSocket };
    const { code, stdout, stderr } = await etcdLb(words, env);
    // The certificates of a test last for a day, and some clusters are small: worth a warning of check.
    const isFine = code === 0 || (code === 1 && words[0] === 'check');
    if (!isFine) throw new Error(`exit code ${code}: ${stderr}`);
    return stripVTControlCharacters(stdout);
  }
  if (program !== 'etcdctl') throw new Error('nobody knows how');
  // What asks no member.
  if (words[0] === 'snapshot') return await etcdctl(hands.etcd, nowhere)(...words);
  if (words[0] !== '--endpoints') throw new Error('nobody knows how');
  return await etcdctl(hands.etcd, words[1] ?? '', hands.certificates)(...words.slice(2));
}

/** What is expected, with the names of the test. */
function inNames(expected: string, { names }: Hands): string {
  const words = Object.keys(names).map(RegExp.escape).join('|');
  return expected.replaceAll(new RegExp(words, 'g'), (word) => names[word] ?? word);
}

async function meaningOf(word: string, { values }: Hands): Promise<string> {
  const find = values[word];
  if (find === undefined && !word.includes('$')) return word;
  if (find === undefined) throw new Error(`nobody knows ${word}`);
  return await find();
}
