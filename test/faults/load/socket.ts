/** A connection as clients make it, for those who speak HTTP/2 themselves. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Where } from './client.ts';

/** Makes connections to one address; the first bytes may be written at once. */
export function connector(address: string, tls: Where['tls']): () => Socket {
  const [host = '', port = '0'] = address.split(':');
  const place = { host, port: Number(port), noDelay: true };
  if (tls === undefined) return () => connect(place);
  const { ca, client } = tls;
  const options = {
    ...{ ca: readFileSync(ca), cert: readFileSync(client.cert), key: readFileSync(client.key) },
    // Node sends no server name for an address; `localhost` is in every certificate of a cluster.
    ...{ servername: 'localhost', ALPNProtocols: ['h2'] },
  };
  return () => connectTls({ ...place, ...options });
}
