/**
 * How findings are shown: as a table for people, wrapped to their terminal, or as data. Pure.
 *
 *   error    m1: cannot be reached: connect ECONNREFUSED 10.0.0.2:2379
 *     why    Clients get nothing from it, and the cluster has one member less to lose.
 *     fix    Start etcd there, or correct its address in --endpoints.
 */
import { count } from '../lib/text/count.ts';
import { exitCodeOf, type Finding, severities } from './finding.ts';

/** Width of the first column, in characters. */
const indent = 9;
/** A narrower column of text is hard to read; the terminal may wrap a wider one itself. */
const narrowest = 30;

/**
 * @param findings the worst first.
 * @param members how many were asked.
 * @param width of the terminal, in characters.
 */
export function tableOf(findings: readonly Finding[], members: number, width: number): string {
  const entries = findings.map(({ severity, subject, seen, why, mend }) =>
    [
      row(severity, `${subject}: ${seen}`, width),
      row('  why', why, width),
      row('  fix', mend, width),
      '',
    ].join('\n'),
  );
  return [...entries, `${summary(findings, members)}\n`].join('\n');
}

/** The same for programs. */
export function reportOf(findings: readonly Finding[]) {
  return { exitCode: exitCodeOf(findings), findings };
}

function row(head: string, text: string, width: number): string {
  const lines = wrap(text, Math.max(narrowest, width - indent));
  return lines.map((line, index) => (index === 0 ? head : '').padEnd(indent) + line).join('\n');
}

/** `2 members asked: 1 error, no warnings, 3 notes.` */
function summary(findings: readonly Finding[], members: number): string {
  const counts = severities.map((severity) => {
    const number = findings.filter((finding) => finding.severity === severity).length;
    return number === 0 ? `no ${severity}s` : count(number, severity);
  });
  return `${count(members, 'member')} asked: ${counts.join(', ')}.`;
}

/**
 * Lines of at most `width` characters. A longer word stays whole: people copy addresses and commands.
 * Control characters are taken out, since what members said is part of the text.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/[\s\p{Cc}]+/u).filter((each) => each !== '')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
