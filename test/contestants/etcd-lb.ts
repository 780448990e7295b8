/** etcd-lb as an operator starts it, with its defaults; what it says about itself can be read. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { MemberReport, Status } from '../../src/observe/status.ts';
import { Child } from '../machine/child.ts';
import type { LogLine } from '../support/balancer.ts';
import {
  type Contestant,
  type Endpoint,
  hostPort,
  type Running,
  type StartOptions,
} from './contestant.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../src/cli/main.ts');

export class EtcdLb implements Running {
  readonly child: Child;
  /** Everything it has logged. */
  readonly log: LogLine[] = [];
  readonly #program: string;
  readonly #adminSocket: string;
  #started: LogLine | undefined;

  /** @param program path of what Node runs: the source, or the bundle. */
  static async start(
    endpoints: readonly Endpoint[],
    options: StartOptions,
    program = main,
  ): Promise<EtcdLb> {
    const etcdLb = new EtcdLb(endpoints, options, program);
    try {
      await etcdLb.child.until('log that it started', () => etcdLb.#started);
      await etcdLb.child.until('find every member healthy', async () => {
        const { members } = await etcdLb.status();
        return members.every(({ state }) => state === 'healthy') || undefined;
      });
      return etcdLb;
    } catch (error) {
      await etcdLb.child.end();
      throw error;
    }
  }

  private constructor(endpoints: readonly Endpoint[], options: StartOptions, program: string) {
    this.#program = program;
    this.#adminSocket = join(options.folder, 'admin.sock');
    const { prefix = [], env, port = 0, checkPort, inspected = true } = options;
    const { maxConnections, tls, serve, followCalls = true } = options;
    this.child = new Child(
      'etcd-lb',
      [
        ...prefix,
        ...[process.execPath, program, 'run'],
        ...['--listen', `127.0.0.1:${port}`, '--observe', '127.0.0.1:0'],
        ...['--admin-socket', this.#adminSocket],
        ...['--log-format', 'json', '--drain-timeout', '100ms'],
        ...(checkPort === undefined ? [] : ['--check-url', `http://{host}:${checkPort}`]),
        ...(inspected ? [] : ['--inspect-interval', '0']),
        ...(maxConnections === undefined
          ? []
          : ['--max-connections', String(maxConnections), '--max-source-share', '100%']),
        ...(tls ? ['--cacert', tls.ca, '--cert', tls.cert, '--key', tls.key] : []),
        ...(serve ? ['--tls', 'terminate', '--client-ca', 'none'] : []),
        ...(serve ? ['--tls-cert', serve.cert, '--tls-key', serve.key] : []),
        ...(followCalls ? [] : ['--follow-calls', 'off']),
        '--endpoints',
        endpoints
          .map((each) => `${each.name}=${tls ? 'https' : 'http'}://${hostPort(each)}`)
          .join(),
      ],
      {
        ...(env && { env }),
        onLine: (text) => {
          const line = JSON.parse(text) as LogLine;
          this.log.push(line);
          if (line.event === 'started') this.#started = line;
        },
      },
    );
  }

  get addresses(): readonly string[] {
    return this.#started?.listen ?? [];
  }

  /** host:port of metrics and status. */
  get observeAddress(): string {
    return `127.0.0.1:${this.#started?.observePort}`;
  }

  async status(): Promise<Status> {
    return JSON.parse(await this.observe('/status')) as Status;
  }

  /** What its observe listener serves there. Throws when it does not answer within 2 s. */
  async observe(path: `/${string}`): Promise<string> {
    const url = `http://127.0.0.1:${this.#started?.observePort}${path}`;
    try {
      const answer = await fetch(url, {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(2_000),
      });
      return await answer.text();
    } catch (error) {
      // If it died, its exit is about to be told.
      await delay(100);
      throw new Error(`etcd-lb did not answer ${path} (${this.child.describe(error)})`);
    }
  }

  /** Runs a command of an operator, such as `drain m1`, to its end; rejects with what it says when that is not 0. */
  async command(...args: readonly string[]): Promise<string> {
    const all = [this.#program, ...args, '--admin-socket', this.#adminSocket];
    const { stdout } = await run(process.execPath, all).catch(
      (error: Error & { readonly stderr?: string }) => {
        throw new Error(`etcd-lb ${args.join(' ')}: ${error.stderr?.trim() || error.message}`);
      },
    );
    return stdout;
  }

  async member(name: string): Promise<MemberReport> {
    const member = (await this.status()).members.find((each) => each.name === name);
    if (member === undefined) throw new Error(`etcd-lb knows no member ${name}`);
    return member;
  }

  /** Sessions that it closed because it gave a member up, by member. */
  async evicted(): Promise<Record<string, number>> {
    const { members } = await this.status();
    return Object.fromEntries(members.map((each) => [each.name, each.sessionsEnded.evicted ?? 0]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.end('SIGTERM');
  }
}

export const etcdLb: Contestant = {
  name: 'etcd-lb',
  start: (endpoints, options) => EtcdLb.start(endpoints, options),
};
