/** Clients that read, write and swap the values of registers, one call at a time. */
import { call, get, put, swap } from './calls.ts';
import { type Company, pauseAfterFailure } from './company.ts';
import { gatewayGet, gatewayPut } from './gateway.ts';
import { etcd3Client } from './place.ts';
import type { CallRecord } from './record.ts';
import { Owner } from './sockets.ts';

/** Calls over one connection, until all stop; resolves when its connection is given up. */
export async function runRegister(company: Company, name: string, register: number): Promise<void> {
  const { history, plan } = company;
  const random = company.random(name);
  const key = `${company.registers}${register}`;
  await company.as(name, async (owner) => {
    const client = etcd3Client(plan.place);
    let known: string | null = null;
    let count = 0;
    const ask = async (): Promise<CallRecord> => {
      const question = { client: name, key, shortLived: false } as const;
      const dice = random.next();
      if (dice < 0.4) {
        return await call(history, { ...question, op: 'get' }, plan.deadline, (deadline) =>
          get(client, key, deadline),
        );
      }
      count += 1;
      const value = `${name}:${count}`;
      if (dice < 0.75) {
        return await call(history, { ...question, op: 'put', value }, plan.deadline, (deadline) =>
          put(client, key, value, deadline),
        );
      }
      const expected = known;
      const asked = { ...question, op: 'swap', value, expected } as const;
      return await call(history, asked, plan.deadline, (deadline) =>
        swap(client, key, expected, value, deadline),
      );
    };
    while (!company.isStopping) {
      const { error, op, read, value = null, swapped } = await ask();
      if (error !== undefined) {
        await company.pause(pauseAfterFailure);
        continue;
      }
      if (op === 'get') known = read ?? null;
      else if (op === 'put' || swapped) known = value;
      await company.pause(random.around(plan.pace));
    }
    owner.leaves = true;
    client.close();
  });
}

/** As the others, but connects anew for each call, by gRPC or by etcd's JSON gateway. */
export async function runShortLived(
  company: Company,
  name: string,
  register: number,
): Promise<void> {
  const { plan } = company;
  const random = company.random(name);
  const key = `${company.registers}${register}`;
  await company.as(name, async () => {
    for (let count = 1; !company.isStopping; count += 1) {
      const byGateway = random.next() < 0.5;
      const value = random.next() < 0.5 ? `${name}:${count}` : undefined;
      const { error } = byGateway
        ? await callByGateway(company, name, key, value)
        : await callOnce(company, name, key, value);
      await company.pause(error === undefined ? random.around(plan.pace) : pauseAfterFailure);
    }
  });
}

/** @param value what is put; without it, the key is read. */
async function callOnce(
  { plan, sockets, history }: Company,
  name: string,
  key: string,
  value: string | undefined,
): Promise<CallRecord> {
  const owner = new Owner(name);
  return await sockets.run(owner, async () => {
    const client = etcd3Client(plan.place);
    const record = await call(history, question(name, key, value), plan.deadline, (deadline) =>
      value === undefined ? get(client, key, deadline) : put(client, key, value, deadline),
    );
    owner.leaves = record.error === undefined;
    client.close();
    return record;
  });
}

async function callByGateway(
  { plan, sockets, history }: Company,
  name: string,
  key: string,
  value: string | undefined,
): Promise<CallRecord> {
  const owner = new Owner(name);
  return await sockets.run(owner, () =>
    call(history, question(name, key, value), plan.deadline, () =>
      value === undefined ? gatewayGet(plan, owner, key) : gatewayPut(plan, owner, key, value),
    ),
  );
}

function question(client: string, key: string, value: string | undefined) {
  return value === undefined
    ? ({ client, op: 'get', key, shortLived: true } as const)
    : ({ client, op: 'put', key, value, shortLived: true } as const);
}
