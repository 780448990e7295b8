/**
 * A contestant: something that stands between clients and members, or nothing at all. All get the
 * same members and the same faults.
 */
import type { Child } from '../machine/child.ts';

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
