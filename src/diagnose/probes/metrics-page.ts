/** Reads a member's `/metrics`, and its clock from the header `Date` of the same answer. */
import type { IncomingMessage } from 'node:http';
import type { MemberTls } from '../../certificates/certificates.ts';
import { formatDuration } from '../../config/values/duration.ts';
import { askForMetrics, metricsIn } from '../../etcd/metrics-page.ts';
import { classify } from '../../lib/net/failure.ts';
import type { Observation } from '../observation.ts';
import { parseExposition } from './exposition.ts';

export interface PageOptions {
  /** Scheme, host and port. */
  readonly url: string;
  /** PEM texts. */
  readonly tls: MemberTls;
  /** Bound on the whole answer, ms. */
  readonly timeout: number;
}

/** Never rejects. */
export async function readMetricsPage(
  options: PageOptions,
): Promise<Pick<Observation, 'metrics' | 'clock'>> {
  const { url, tls, timeout } = options;
  const signal = AbortSignal.timeout(timeout);
  const askedAt = Date.now();
  let clock: Observation['clock'];
  try {
    const response = await askForMetrics({ url, tls }, signal);
    clock = clockOf(response, askedAt);
    const samples = parseExposition(await metricsIn(response));
    return { metrics: { kind: 'read', samples }, ...(clock && { clock }) };
  } catch (error) {
    const why = signal.aborted
      ? `timed out after ${formatDuration(timeout)}`
      : classify(error).detail;
    return { metrics: { kind: 'unread', why }, ...(clock && { clock }) };
  }
}

function clockOf({ headers }: IncomingMessage, askedAt: number): Observation['clock'] {
  const date = Date.parse(headers.date ?? '');
  return Number.isNaN(date) ? undefined : { date, askedAt, answeredAt: Date.now() };
}
