/** A domain that is asked for SRV records, as etcd's `--discovery-srv` takes it. */
import { isIP } from 'node:net';
import { parseHostPort } from '../../lib/net/host-port.ts';

/** The domain in lower case, without a dot at its end. Throws `Error` with the reason. */
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
