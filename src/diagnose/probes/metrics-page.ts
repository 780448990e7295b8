/** Reads a member's `/metrics`, and its clock from the header `Date` of the same answer. */

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { MemberTls } from '../../certificates/certificates.ts';
import { formatDuration } from '../../config/values/duration.ts';
import { classify } from '../../lib/net/failure.ts';
import { http, https } from '../../lib/net/node-http.ts';
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

/** In characters. etcd's metrics are below a megabyte; a longer text is something else. */
const longest = 4 * 1024 * 1024;

/** Never rejects. */
export async function readMetricsPage(
  options: PageOptions,
): Promise<Pick<Observation, 'metrics' | 'clock'>> {
  const { url, tls, timeout } = options;
  const signal = AbortSignal.timeout(timeout);
  const askedAt = Date.now();
  let clock: Observation['clock'];
  try {
    const client = url.startsWith('https:') ? https : http;
    // No pool: nothing is asked a second time.
    const request = client.get(`${url}/metrics`, {
      ...tls,
      minVersion: 'TLSv1.2',
      agent: false,
      signal,
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    clock = clockOf(response, askedAt);
    const body = await textOf(response);
    if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`);
    const samples = parseExposition(body);
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

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) {
    text += chunk;
    if (text.length > longest) throw new Error('the answer is too long for etcd metrics');
  }
  return text;
}
