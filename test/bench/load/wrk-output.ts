/** What wrk prints, read. Pure. */

export interface WrkResult {
  readonly requests: number;
  /** s. */
  readonly duration: number;
  /** Connections that failed, answers that did not come and the like. */
  readonly failed: number;
}

/** Throws one sentence when the text is not a result. */
export function parseWrk(text: string): WrkResult {
  const found = /(\d+) requests in ([\d.]+)(ms|s|m),/.exec(text);
  if (!found) throw new Error(`wrk printed no result: ${text.trim().split('\n').at(-1)}`);
  const [, requests, amount, unit] = found;
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const [, others] = /Non-2xx or 3xx responses: (\d+)/.exec(text) ?? [];
  return {
    requests: Number(requests),
    duration: Number(amount) * ({ ms: 1e-3, s: 1, m: 60 }[unit ?? ''] ?? Number.NaN),
    failed: [...(errors?.slice(1) ?? []), others ?? '0'].map(Number).reduce((a, b) => a + b, 0),
  };
}
