/**
 * The Go client library, by way of etcdctl: one call and one connection a process. Its sockets are
 * those of other processes, so nobody records them.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Answer, call } from './calls.ts';
import { type Company, pauseAfterFailure } from './company.ts';
import { etcdctlCommand } from './place.ts';

const run = promisify(execFile);
/** For every etcdctl; 3.4 knows two versions of the API. */
export const etcdctlEnv = { ETCDCTL_API: '3' };
/** Before a process that has ended is started again, ms. */
export const startAgainAfter = 200;
/** Between two puts, ms. */
const putEvery = 2_000;

/** `etcdctl put` again and again, until all stop. */
export async function runEtcdctlPuts(
  company: Company,
  etcdctl: string,
  name: string,
  register: number,
): Promise<void> {
  const { plan, history } = company;
  const key = `${company.registers}${register}`;
  for (let count = 1; !company.isStopping; count += 1) {
    const value = `${name}:${count}`;
    const question = { client: name, op: 'put', key, value, shortLived: true } as const;
    const { begun, ended } = await call(history, question, plan.deadline, async () =>
      headedByText(await etcdctlOnce(company, etcdctl, ['put', '-w', 'json', key, value])),
    );
    await company.pause(Math.max(pauseAfterFailure, putEvery - (ended - begun)));
  }
}

/** What it printed. Rejects with the last line of what it complained of. */
export async function etcdctlOnce(
  { plan }: Company,
  etcdctl: string,
  args: readonly string[],
): Promise<string> {
  const timeout = ['--command-timeout', `${plan.deadline}ms`];
  const command = [...etcdctlCommand(etcdctl, plan.place), ...timeout, ...args];
  try {
    const { stdout } = await run('setpriv', ['--pdeathsig', 'KILL', ...command], {
      env: { ...process.env, ...etcdctlEnv },
      // Its own timeouts have gaps; this one has none.
      timeout: plan.deadline + 1_000,
      killSignal: 'SIGKILL',
    });
    return stdout;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(stderr.trim().split('\n').at(-1) || message);
  }
}

/** By text: a member's id has 64 bits, more than a number of JSON.parse has. */
export function headedByText(stdout: string): Answer {
  const member = /"member_id":(\d+)/.exec(stdout)?.[1];
  const revision = /"revision":(\d+)/.exec(stdout)?.[1];
  if (member === undefined || revision === undefined) throw new Error(`no header: ${stdout}`);
  return { member, revision: Number(revision) };
}
