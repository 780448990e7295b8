/**
 * The commands of a page, and what the page says behind them:
 *
 *   etcd-lb status           # until "cp1 … healthy"      repeated until a line of the output has that
 *   etcdctl … health         # until it succeeds          repeated until it does
 *   etcd-lb drain cp1 --wait # says "no session left"     once, and the output must have that
 *
 * `…` stands for anything. A block that is not carried out says why, in the line before it:
 *
 *   <!-- not carried out: it needs a kube-apiserver -->
 */

export interface Block {
  /** Of its first command in the page, from 1. */
  readonly line: number;
  readonly lines: readonly string[];
  /** Why it is not carried out; `undefined` for one that is. */
  readonly reason: string | undefined;
}

export interface CommandLine {
  readonly command: string;
  /** Is it repeated until it succeeds and its output is as expected? */
  readonly isRepeated: boolean;
  /** What its output must have; all of it in one line. */
  readonly expected: string;
}

/** The fenced blocks of `sh` in a page. */
export function blocksIn(page: string): Block[] {
  const lines = page.split('\n');
  return lines.flatMap((line, index) => {
    if (line !== '```sh') return [];
    const [, reason] = /^<!-- not carried out: (\S.*) -->$/.exec(lines[index - 1] ?? '') ?? [];
    const end = lines.indexOf('```', index);
    return [{ line: index + 2, lines: lines.slice(index + 1, end), reason }];
  });
}

/** The commands of some lines: what goes on in the next line, or up to the end of a here document, is joined. */
export function commandsIn(lines: readonly string[]): CommandLine[] {
  const commands: string[] = [];
  let open = '';
  let closedBy: string | undefined;
  for (const line of lines) {
    if (open === '' && (line === '' || line.startsWith('#'))) continue;
    open += open === '' ? line : `\n${line}`;
    closedBy ??= /<<'(\w+)'/.exec(line)?.[1];
    const isOpen = closedBy === undefined ? /[\\|]$/.test(line) : line !== closedBy;
    if (isOpen) continue;
    commands.push(open);
    open = '';
    closedBy = undefined;
  }
  return commands.map((text) => {
    const [, command = '', comment = ''] = /^([\s\S]*?)(?: +# (.*))?$/.exec(text) ?? [];
    const [, expected = ''] = /^(?:until|says) "(.*?)"/.exec(comment) ?? [];
    return { command, isRepeated: comment.startsWith('until '), expected };
  });
}

/** Throws when no line of the output is as expected. */
export function expectLike(output: string, expected: string): void {
  const pattern = new RegExp(expected.split('…').map(RegExp.escape).join('.*'), 'm');
  if (!pattern.test(output)) throw new Error(`no line is like ${pattern} in: ${output}`);
}
