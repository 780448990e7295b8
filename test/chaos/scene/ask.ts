/** Questions to members over HTTP, from an address of our own. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { ClientCredentials } from '../../support/certificates.ts';
import type { Answer } from './cluster.ts';

export interface Question {
  /** POSTed; without it this is a GET. */
  readonly body?: string | undefined;
  /** How long the answer may take, ms; 1 s if not given. */
  readonly patience?: number | undefined;
}

/** What a request of Node needs beside the URL: from where, and as whom. */
export type Caller = Pick<RequestOptions, 'localAddress' | 'ca' | 'cert' | 'key' | 'servername'>;

/** @param localAddress left out, it is where everybody's connections come from. */
export function callerFrom(
  localAddress: string | undefined,
  credentials: ClientCredentials | undefined,
): Caller {
  return {
    ...(localAddress && { localAddress }),
    ...(credentials && {
      ca: readFileSync(credentials.ca),
      cert: readFileSync(credentials.client.cert),
      key: readFileSync(credentials.client.key),
      // Node sends no server name for an address; `localhost` is in every certificate of a cluster.
      servername: 'localhost',
    }),
  };
}

/** Resolves with the answer as soon as it begins; rejects when it does not. */
export async function open(
  url: string,
  options: RequestOptions,
  body?: string,
): Promise<IncomingMessage> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  const call = request(url, { ...options, method: body === undefined ? 'GET' : 'POST' });
  // What breaks later is told by the response itself.
  call.on('error', () => {});
  call.end(body);
  const [response] = await once(call, 'response');
  return response as IncomingMessage;
}

/** Asks over a connection of its own. Rejects when there is no whole answer in time. */
export async function ask(
  caller: Caller,
  url: string,
  { body, patience = 1_000 }: Question = {},
): Promise<Answer> {
  const signal = AbortSignal.timeout(patience);
  return await answerOf(await open(url, { ...caller, agent: false, signal }, body));
}

export async function answerOf(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}
