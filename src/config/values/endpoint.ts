/**
 * How people write etcd members: URLs, `host:port`, lists pasted from the Kubernetes documentation
 * (`$IP1:2379, $IP2:2379, `), and etcd's `--initial-cluster` form with a name in front
 * (`cp1=http://10.0.0.1:2379`). Also numbers for a member, and the URL that it is probed at. Grammar
 * only: which lists are valid is rules.ts.
 */
import { isIP } from 'node:net';
import { formatHostPort, parseHostPort } from '../../lib/net/host-port.ts';
import { splitList } from './list.ts';

export type Scheme = 'http' | 'https';

export interface Endpoint {
  /** What logs and metrics call the member: as given, else `host:port`. */
  readonly name: string;
  readonly scheme: Scheme;
  /** Without brackets. */
  readonly host: string;
  /** 1 to 65535; 2379 where none was written. */
  readonly port: number;
}

const etcdClientPort = 2379;

/**
 * The endpoints in a list separated by commas, white space or both; empty for an empty one. An
 * endpoint without a scheme gets `defaultScheme`. Throws `Error` with the reason.
 */
export function parseEndpoints(
  text: string | readonly string[],
  defaultScheme: Scheme,
): Endpoint[] {
  return splitList(text).map((word) => parseEndpoint(word, defaultScheme));
}

/** `scheme://host:port`. */
export function formatEndpoint(endpoint: Endpoint): string {
  return `${endpoint.scheme}://${formatHostPort(endpoint.host, endpoint.port)}`;
}

/** `formatEndpoint`, with the name in front unless it is `host:port`; `parseEndpoints` reads it back. */
export function formatNamedEndpoint(endpoint: Endpoint): string {
  const url = formatEndpoint(endpoint);
  return endpoint.name === formatHostPort(endpoint.host, endpoint.port)
    ? url
    : `${endpoint.name}=${url}`;
}

function parseEndpoint(text: string, defaultScheme: Scheme): Endpoint {
  // Before anything quotes the text: a password must not end up in a log.
  if (text.includes('@')) {
    throw new Error('a URL has a user or password; write only scheme://host:port');
  }
  const quoted = JSON.stringify(text);
  const [, name, address = ''] = /^(?:([\w.-]+)=)?(.*)$/s.exec(text) ?? [];
  const [, written, authority = ''] = /^(?:([^/?#]*):\/\/)?(.*)$/s.exec(address) ?? [];
  const scheme = written?.toLowerCase() ?? defaultScheme;
  if (scheme !== 'http' && scheme !== 'https') {
    throw new Error(`${quoted} is neither http nor https; write http:// or https:// in front`);
  }
  const bare = authority.replace(/\/$/, '');
  if (/[/?#]/.test(bare)) {
    throw new Error(`${quoted} has a path or query; write only scheme://host:port`);
  }
  const { host, port = etcdClientPort } = parseHostPort(bare, 1);
  if (host === '') throw new Error(`${quoted} has no host; write host:port, such as 10.0.0.1:2379`);
  if (host === '::' || host === '0.0.0.0') {
    throw new Error(
      `${quoted} is an address to listen on, not one to reach a member at; write the member's own address`,
    );
  }
  return { name: name ?? formatHostPort(host, port), scheme, host, port };
}

/**
 * A domain that is asked for SRV records, as etcd's `--discovery-srv` takes it; in lower case, without
 * a dot at its end. Throws `Error` with the reason.
 */
export function parseDomain(text: string): string {
  const quoted = JSON.stringify(text);
  if (/^_|:\/\//.test(text)) {
    throw new Error(
      `${quoted} is more than the domain; write it alone, such as example.com for _etcd-client._tcp.example.com`,
    );
  }
  const { host, port } = parseHostPort(text, 1);
  if (host === '' || port !== undefined || isIP(host) !== 0) {
    throw new Error(`${quoted} is not a domain; write one such as example.com`);
  }
  return host.replace(/\.$/, '');
}

/** A number for one member, `cp1=2`, as the settings `weight` and `priority` take them. */
export interface MemberNumber {
  /** As in `endpoints`: the name given there, else `host:port`. */
  readonly member: string;
  readonly value: number;
}

/** Whole, `least` to 65535, as in SRV records (RFC 2782). Throws `Error` with the reason. */
export function parseMemberNumber(least: 0 | 1): (text: string) => MemberNumber {
  return (text) => {
    const [, member = '', digits = ''] = /^(.+)=(\d+)$/.exec(text) ?? [];
    const value = Number(digits);
    if (member !== '' && value >= least && value <= 65_535) return { member, value };
    throw new Error(
      `${JSON.stringify(text)} is not a member and a number from ${least} to 65535; write one such as cp1=2`,
    );
  };
}

/** Stands for a member's host in the template of `--check-url`. */
const hostPlaceholder = '{host}';
const example = 'http://{host}:2381';

/**
 * Where members are probed if not at their client URL: etcd serves `/readyz` and `/metrics` on
 * `--listen-metrics-urls` too, often plain http on port 2381. One template serves all members; the
 * path is the probe's own (health/probe.ts). Returns `text` if it is scheme, `{host}` and port. Throws
 * `Error` with the reason.
 */
export function parseCheckUrl(text: string): string {
  const quoted = JSON.stringify(text);
  if (text.includes('@')) {
    throw new Error(`a URL has a user or password; write only ${example}`);
  }
  if (!/^https?:\/\//.test(text)) {
    throw new Error(`${quoted} is neither http nor https; write a URL such as ${example}`);
  }
  if (!text.includes(hostPlaceholder)) {
    throw new Error(
      `${quoted} has no {host}, so every member would be checked at one place; write a URL such as ${example}`,
    );
  }
  const filled = text.replaceAll(hostPlaceholder, 'host');
  if (/[{}]/.test(filled) || !URL.canParse(filled)) {
    throw new Error(`${quoted} is not a URL once {host} is replaced; write one such as ${example}`);
  }
  if (!/^https?:\/\/[^/?#]*\/?$/.test(text)) {
    throw new Error(`${quoted} has a path or query, which are fixed; write only ${example}`);
  }
  return text.replace(/\/$/, '');
}

/** Where to probe a member: at its own URL, or where the template says. No slash at the end. */
export function checkUrlOf(endpoint: Endpoint, template: string | undefined): string {
  if (template === undefined) return formatEndpoint(endpoint);
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return template.replaceAll(hostPlaceholder, host);
}
