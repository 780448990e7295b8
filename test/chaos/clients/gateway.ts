/** Calls of etcd's JSON gateway: HTTP/1.1, a connection each. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './calls.ts';
import { connectHttp1 } from './place.ts';
import type { ClientPlan } from './plan.ts';
import type { Owner } from './sockets.ts';

/** Bytes that are taken between two pauses. */
const slowChunk = 65_536;

/** Numbers of 64 bits are strings in this JSON, and bytes base64. */
interface GatewayAnswer {
  readonly header?: { readonly member_id: string; readonly revision: string };
  readonly kvs?: readonly { readonly value?: string }[];
}

export async function gatewayPut(
  plan: ClientPlan,
  owner: Owner,
  key: string,
  value: string,
): Promise<Answer> {
  const { header } = await post(plan, owner, 'put', { key: base64(key), value: base64(value) });
  return headed(header);
}

export async function gatewayGet(plan: ClientPlan, owner: Owner, key: string): Promise<Answer> {
  const { header, kvs = [] } = await post(plan, owner, 'range', { key: base64(key) });
  const [found] = kvs;
  const read = found ? Buffer.from(found.value ?? '', 'base64').toString() : null;
  return { ...headed(header), read };
}

/** A range read slowly, so that whoever sends it has to wait: `pause` ms for each 64 KB. */
export async function gatewayRange(
  plan: ClientPlan,
  owner: Owner,
  { key, end, pause }: { readonly key: Buffer; readonly end: Buffer; readonly pause: number },
): Promise<{ readonly answer: Answer; readonly values: readonly Buffer[] }> {
  const range = { key: key.toString('base64'), range_end: end.toString('base64') };
  const { header, kvs = [] } = await post(plan, owner, 'range', range, pause);
  const values = kvs.map(({ value = '' }) => Buffer.from(value, 'base64'));
  return { answer: headed(header), values };
}

/** Rejects unless it is answered with 200 in time; the socket is closed then. */
async function post(
  { place, deadline }: ClientPlan,
  owner: Owner,
  method: string,
  body: object,
  pause = 0,
): Promise<GatewayAnswer> {
  const signal = AbortSignal.timeout(deadline);
  const exchange = request({
    ...{ method: 'POST', path: `/v3/kv/${method}`, signal },
    createConnection: () => connectHttp1(place),
  });
  exchange.end(JSON.stringify(body));
  const [response] = (await once(exchange, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  response.once('end', () => {
    owner.leaves = true;
  });
  let taken = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    taken += (chunk as Buffer).length;
    // By bytes: a chunk within TLS is a quarter of one without.
    if (pause > 0 && taken >= slowChunk) {
      taken = 0;
      await delay(pause);
    }
  }
  const text = Buffer.concat(chunks).toString();
  if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode}: ${text.trim()}`);
  return JSON.parse(text) as GatewayAnswer;
}

function headed(header: GatewayAnswer['header']): Answer {
  if (header === undefined) throw new Error('an answer without header');
  return { revision: Number(header.revision), member: header.member_id };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
