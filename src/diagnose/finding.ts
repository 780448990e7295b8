/**
 * A finding: one thing that `etcd-lb check` reports.
 *
 * Owns its shape, the order of several, and the exit code. Pure. The rules are in rules/, one file per
 * subject; how findings are shown is report.ts.
 */

/** From the worst on. */
export const severities = ['error', 'warning', 'note'] as const;

/** `error`: something does not work now. `warning`: it will fail later, or when it is needed. */
export type Severity = (typeof severities)[number];

export interface Finding {
  readonly severity: Severity;
  /** What it is about: a member's name, several with commas, or `cluster`, `--cacert` and the like. */
  readonly subject: string;
  /** One clause without a full stop. */
  readonly seen: string;
  /** One sentence: what it costs. */
  readonly why: string;
  /** One sentence: the command or setting that fixes it. */
  readonly mend: string;
}

/** The worst first, else in the order given. Findings with the same words become one. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  const byWords = new Map<string, Finding>();
  for (const finding of findings) {
    const { severity, subject, seen, why, mend } = finding;
    const words = JSON.stringify([severity, seen, why, mend]);
    const same = byWords.get(words);
    byWords.set(words, same ? { ...same, subject: `${same.subject}, ${subject}` } : finding);
  }
  return [...byWords.values()].sort(
    (a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity),
  );
}

/** 2 with an error, 1 with a warning, 0 with nothing worse than a note. */
export function exitCodeOf(findings: readonly Finding[]): 0 | 1 | 2 {
  if (findings.some(({ severity }) => severity === 'error')) return 2;
  return findings.some(({ severity }) => severity === 'warning') ? 1 : 0;
}
