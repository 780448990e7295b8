/**
 * The etcd members as people name them: URLs, `host:port`, lists pasted from the Kubernetes
 * documentation (`$IP1:2379, $IP2:2379, `), and etcd's `--initial-cluster` form with a name in
 * front (`m0=http://10.0.0.1:2379`). The grammar only: what a list of them must not be is rules.ts.
 */

import { splitList } from '../../lib/list.ts';
import { formatHostPort, parseHostPort } from '../../lib/net/host-port.ts';

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

/** `formatEndpoint` with the name in front if it says more: `parseEndpoints` reads it back. */
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
