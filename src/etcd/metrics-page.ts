/** Asks a member for its `/metrics`, within bounds of size and time. What the text says is left to others. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import type { MemberTls } from '../certificates/certificates.ts';
import { http, https } from '../lib/net/node-http.ts';

export interface MetricsPageTarget {
  /** Scheme, host and port. */
  readonly url: string;
  /** PEM texts. */
  readonly tls: MemberTls;
  /** Looks up the address of the host; the system's if absent. */
  readonly lookup?: LookupFunction | undefined;
}

/** In characters. etcd's metrics are below a megabyte; a longer text is something else. */
const longest = 4 * 1024 * 1024;

/** Resolves with the head of the answer, whatever its code. Rejects when there is none, or with the reason of `signal`. */
export async function askForMetrics(
  { url, tls, lookup }: MetricsPageTarget,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const client = url.startsWith('https:') ? https : http;
  // No pool: a member is asked seldom.
  const request = client.get(`${url}/metrics`, {
    ...{ ...tls, minVersion: 'TLSv1.2', agent: false, signal },
    ...(lookup && { lookup }),
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

/** The text of an answer. Rejects when it is no 200, is too long, or breaks off. */
export async function metricsIn(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) {
    text += chunk;
    if (text.length > longest) throw new Error('the answer is too long for etcd metrics');
  }
  if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`);
  return text;
}
