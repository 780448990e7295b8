/** Hosts and ports for property tests, hosts in the one spelling that the parsers give them. */
import fc from 'fast-check';

const ipv6 = fc.ipV6().map((address) => new URL(`http://[${address}]`).hostname.slice(1, -1));

export const hosts = fc
  .oneof(
    fc.ipV4(),
    ipv6,
    fc.domain(),
    fc.constantFrom('localhost', 'etcd-0', 'etcd_0.svc.cluster.local'),
  )
  .filter((host) => host !== '0.0.0.0' && host !== '::');

export const ports = fc.integer({ min: 1, max: 65_535 });
