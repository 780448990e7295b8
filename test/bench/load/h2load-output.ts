/** What h2load (nghttp2) prints and logs, read. Pure. */

export interface H2loadResult {
  /** s, from the first connection to the last answer. */
  readonly duration: number;
  readonly perSecond: number;
  readonly requests: number;
  /** Answered with an HTTP status of 2xx. */
  readonly succeeded: number;
  /** Bytes that came back, headers and all. */
  readonly bytes: number;
}

/** Throws one sentence when the text is not a result. */
export function parseH2load(text: string): H2loadResult {
  const [, amount, unit, perSecond] = match(
    text,
    /^finished in ([\d.]+)(us|ms|s|m), ([\d.]+) req/m,
  );
  const [, requests, succeeded] = match(text, /^requests: (\d+) total.* (\d+) succeeded/m);
  const [, bytes] = match(text, /^traffic: .*?\((\d+)\) total/m);
  return {
    duration: Number(amount) * (seconds[unit ?? ''] ?? Number.NaN),
    perSecond: Number(perSecond),
    requests: Number(requests),
    succeeded: Number(succeeded),
    bytes: Number(bytes),
  };
}

const seconds: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60 };

/** The times that requests took, µs, of a --log-file: start, status, time, with tabs. */
export function parseLog(text: string): number[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(line.split('\t')[2]));
}

function match(text: string, pattern: RegExp): RegExpExecArray {
  const found = pattern.exec(text);
  if (found) return found;
  throw new Error(`h2load printed no result: ${text.trim().split('\n').slice(-3).join(' | ')}`);
}
