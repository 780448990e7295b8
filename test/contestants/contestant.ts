/**
 * A contestant: something that stands between clients and members, or nothing at all. All get the
 * same members and the same faults.
 */
import { freePorts } from '../../src/demo/free-ports.ts';
import type { Child } from '../machine/child.ts';

/** What members that speak TLS ask of those who check them. Paths of PEM files. */
export interface MemberTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A member, as a contestant is told of it. */
export interface Endpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface StartOptions {
  /** Put in front of the command line, such as `unshare --mount …`. */
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A folder for its files; removed after the run. */
  readonly folder: string;
  /** Where it is to listen, on loopback; a free port if not given. */
  readonly port?: number;
  /** Port of every member's host where it can be checked in plain HTTP, if not where it serves. */
  readonly checkPort?: number;
  /** False where members are not etcd, and would take a question over gRPC for a client. */
  readonly inspected?: boolean;
  /** Clients that it must bear at a time; its usual limit if not given. */
  readonly maxConnections?: number;
  /** If members speak TLS with their clients, which passes through. */
  readonly tls?: MemberTls;
  /** If it is to end the TLS of clients, what they see; paths of PEM files. They need no certificate. */
  readonly serve?: Pick<MemberTls, 'cert' | 'key'>;
  /** False for etcd-lb to copy plain bytes without a look at them. */
  readonly followCalls?: boolean;
}

/** A contestant at work. */
export interface Running extends AsyncDisposable {
  /** host:port where clients connect: one, or for clients that know every member, all. */
  readonly addresses: readonly string[];
  /** Its process; none for clients that connect by themselves. */
  readonly child?: Child;
}

export interface Contestant {
  readonly name: string;
  /** Resolves when it accepts clients and has looked at its members. */
  start(endpoints: readonly Endpoint[], options: StartOptions): Promise<Running>;
}

export function hostPort({ host, port }: Pick<Endpoint, 'host' | 'port'>): string {
  return `${host}:${port}`;
}

/** Where it is to listen. */
export async function listenPort({ port }: Pick<StartOptions, 'port'>): Promise<number> {
  return port ?? (await freePorts(1))[0] ?? 0;
}
