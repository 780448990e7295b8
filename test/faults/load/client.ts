/** An etcd3 client of a load: what fails is not repeated, and what takes long is given up. */
import type { Etcd3 } from 'etcd3';
import type { ClientCredentials } from '../../support/certificates.ts';
import { etcd3, withoutRetries } from '../../support/clients.ts';

/** Where clients connect, and what they need for it. */
export interface Where {
  /** host:port; one, or for a client that knows every member, all. */
  readonly addresses: readonly string[];
  /** Absent where nobody speaks TLS. */
  readonly tls?: ClientCredentials | undefined;
}

export function urlsOf({ addresses, tls }: Where): string[] {
  return addresses.map((address) => `${tls ? 'https' : 'http'}://${address}`);
}

/** @param patience how long a call may take, ms. */
export function impatientClient(where: Where, patience: number): Etcd3 {
  return etcd3(urlsOf(where), where.tls, {
    faultHandling: withoutRetries,
    defaultCallOptions: () => ({ deadline: Date.now() + patience }),
  });
}
