/** A range that is large, and clients that read all of it again and again. */
import { type Answer, call, headed } from './calls.ts';
import { type Company, pauseAfterFailure } from './company.ts';
import { gatewayRange } from './gateway.ts';
import { etcd3Client } from './place.ts';
import type { CallRecord } from './record.ts';
import { Owner } from './sockets.ts';

/** Between the beginnings of two reads, ms. */
const every = 1_500;

/** Of a slow reader, for each 64 KB, ms. */
const slowPause = 10;

/** What a read has to find below its prefix. */
export interface LargeRange {
  readonly prefix: string;
  readonly keys: number;
  readonly bytes: number;
}

/** Writes it once, in values of 10 to 20 kB; tries again as long as it takes. */
export async function writeLargeRange(company: Company): Promise<LargeRange> {
  const { plan, sockets } = company;
  const random = company.random('large range');
  const prefix = `${plan.prefix}large/`;
  const owner = new Owner('large range');
  let [keys, bytes] = [0, 0];
  await sockets.run(owner, async () => {
    const client = etcd3Client(plan.place);
    while (bytes < plan.largeBytes && !company.isStopping) {
      const value = Buffer.alloc(Math.round(10_000 + 10_000 * random.next()), 'a large range ');
      const key = Buffer.from(`${prefix}${keys}`);
      try {
        await client.kv.put({ key, value }, { deadline: Date.now() + plan.deadline });
        keys += 1;
        bytes += value.length;
      } catch {
        await company.pause(pauseAfterFailure);
      }
    }
    owner.leaves = true;
    client.close();
  });
  return { prefix, keys, bytes };
}

export async function runLargeReader(
  company: Company,
  name: string,
  range: LargeRange,
): Promise<void> {
  const { plan, history } = company;
  const { key, end } = boundsOf(range);
  await company.as(name, async (owner) => {
    const client = etcd3Client(plan.place);
    const question = { client: name, op: 'range', key: range.prefix, shortLived: false } as const;
    while (!company.isStopping) {
      const { begun, ended } = await call(history, question, plan.deadline, async (deadline) => {
        const { header, kvs } = await client.kv.range({ key, range_end: end }, { deadline });
        const bytes = kvs.reduce((sum, { value }) => sum + value.length, 0);
        return { ...headed(header), ...shortfall(range, kvs.length, bytes) };
      });
      await company.pause(Math.max(pauseAfterFailure, every - (ended - begun)));
    }
    owner.leaves = true;
    client.close();
  });
}

/** Reads it over HTTP/1.1, a connection each, and takes its time: what it has not taken waits at the balancer. */
export async function runSlowReader(
  company: Company,
  name: string,
  range: LargeRange,
): Promise<void> {
  const { plan, history, sockets } = company;
  const question = { client: name, op: 'range', key: range.prefix, shortLived: true } as const;
  const slow = { ...boundsOf(range), pause: slowPause };
  const readOnce = (owner: Owner) => (): Promise<CallRecord> =>
    call(history, question, plan.deadline, async () => {
      const { answer, values } = await gatewayRange(plan, owner, slow);
      const bytes = values.reduce((sum, { length }) => sum + length, 0);
      return { ...answer, ...shortfall(range, values.length, bytes) };
    });
  await company.as(name, async () => {
    while (!company.isStopping) {
      const owner = new Owner(name);
      const { begun, ended } = await sockets.run(owner, readOnce(owner));
      await company.pause(Math.max(pauseAfterFailure, every - (ended - begun)));
    }
  });
}

function boundsOf({ prefix }: LargeRange): { readonly key: Buffer; readonly end: Buffer } {
  const key = Buffer.from(prefix);
  // The prefix ends with a slash, which is no 0xff.
  const end = Buffer.from(key);
  end.writeUInt8((end.at(-1) ?? 0) + 1, end.length - 1);
  return { key, end };
}

function shortfall(range: LargeRange, keys: number, bytes: number): Answer {
  if (keys === range.keys && bytes === range.bytes) return {};
  return { error: `short: ${keys} of ${range.keys} keys, ${bytes} of ${range.bytes} bytes` };
}
