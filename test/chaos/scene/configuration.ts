/**
 * The balancer's configuration file: what it says at first, and what a reload makes of it. JSON is YAML, so
 * it is written as JSON.
 */
import { writeFileSync } from 'node:fs';
import type { Setting } from '../schedule/setting.ts';
import type { ChaosMember } from './cluster.ts';
import type { Names } from './names.ts';

/** Paths of PEM files. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface ConfigurationOptions {
  readonly file: string;
  readonly setting: Setting;
  /** `127.0.0.1:4444` or `unix:/path`. */
  readonly listen: string;
  readonly observe: string;
  readonly adminSocket: string;
  readonly stateFolder: string;
  readonly sharesPort: boolean;
  /** Of members that speak TLS, and of the balancer as their client. */
  readonly members: { readonly ca: string; readonly client: KeyPair } | undefined;
  /** What clients see where TLS is spoken with them. */
  readonly server: { readonly ca: string; readonly pair: KeyPair } | undefined;
}

/** The domain of the members' names. */
const domain = 'etcd.test';

export function hostName({ name }: Pick<ChaosMember, 'name'>): string {
  return `${name}.${domain}`;
}

/** Has the SRV records name these members. */
export function serve(names: Names, members: readonly ChaosMember[]): void {
  const isSecure = members[0]?.clientUrl.startsWith('https:');
  const services = members.map((member) => ({
    target: hostName(member),
    port: Number(new URL(member.clientUrl).port),
  }));
  names.setService(`_etcd-client${isSecure ? '-ssl' : ''}._tcp.${domain}`, services);
}

export class Configuration {
  readonly options: ConfigurationOptions;
  /** Names as the balancer has them, by the member's own, where they differ. */
  readonly names = new Map<string, string>();
  balance: string;
  weights: readonly string[] = [];
  /** A setting that no balancer has, or a value that no setting takes. */
  nonsense: Readonly<Record<string, unknown>> = {};
  #members: readonly ChaosMember[];

  constructor(options: ConfigurationOptions, members: readonly ChaosMember[]) {
    this.options = options;
    this.balance = options.setting.policy;
    this.#members = members;
  }

  /** As the balancer calls a member. */
  nameOf({ name }: Pick<ChaosMember, 'name'>): string {
    return this.names.get(name) ?? name;
  }

  /** The endpoints are these from now on. */
  endpointsAre(members: readonly ChaosMember[]): void {
    this.#members = members;
  }

  write(): void {
    writeFileSync(this.options.file, `${JSON.stringify(this.#settings(), undefined, 2)}\n`);
  }

  #settings(): Readonly<Record<string, unknown>> {
    const { setting, listen, observe, adminSocket, stateFolder, sharesPort } = this.options;
    const { members, server } = this.options;
    return {
      ...{ listen, observe, 'admin-socket': adminSocket, 'state-dir': stateFolder },
      ...{ 'log-level': 'debug', 'log-format': 'json', tls: tlsOf(setting) },
      ...(sharesPort && { 'reuse-port': 'on' }),
      ...(members && { cacert: members.ca, cert: members.client.cert, key: members.client.key }),
      ...(server && {
        'tls-cert': server.pair.cert,
        'tls-key': server.pair.key,
        'client-ca': server.ca,
      }),
      ...this.#discovery(),
      balance: this.balance,
      ...(this.weights.length > 0 && { weight: this.weights }),
      ...this.nonsense,
    };
  }

  #discovery(): Readonly<Record<string, unknown>> {
    const { discovery } = this.options.setting;
    if (discovery === 'srv') return { 'discovery-srv': domain };
    const endpoints = this.#members.map((member) => {
      const { protocol, port, hostname } = new URL(member.clientUrl);
      const host = discovery === 'names' ? hostName(member) : hostname;
      return `${this.nameOf(member)}=${protocol}//${host}:${port}`;
    });
    return { endpoints, ...(discovery === 'members' && { discovery }) };
  }
}

function tlsOf({ tls }: Setting): string {
  return tls === 'plain' ? 'passthrough' : tls;
}
