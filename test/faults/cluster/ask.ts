/** Questions to members over HTTP, as they are reached with and without mutual TLS. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ClientCredentials } from '../../support/certificates.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Question {
  /** POSTed; without it this is a GET. */
  readonly body?: string;
  /** How long the answer may take, ms; 1 s if not given. */
  readonly patience?: number;
}

/** Asks and resolves with the answer, whatever its status. Rejects when there is none in time. */
export type Ask = (url: string, question?: Question) => Promise<Answer>;

export function askWith(credentials: ClientCredentials | undefined): Ask {
  if (credentials === undefined) {
    return (url, question) => exchange(httpRequest, url, {}, question);
  }
  const { ca, client } = credentials;
  const tls = {
    ...{ ca: readFileSync(ca), cert: readFileSync(client.cert), key: readFileSync(client.key) },
    // Node sends no server name for an address; `localhost` is in every certificate of a cluster.
    servername: 'localhost',
  };
  return (url, question) => exchange(httpsRequest, url, tls, question);
}

async function exchange(
  request: typeof httpsRequest,
  url: string,
  tls: object,
  { body, patience = 1_000 }: Question = {},
): Promise<Answer> {
  const call = request(url, {
    ...tls,
    method: body === undefined ? 'GET' : 'POST',
    // A connection of its own, so that none of ours is counted among the clients' for long.
    agent: false,
    signal: AbortSignal.timeout(patience),
  });
  call.end(body);
  const [response] = await once(call, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}
