/** The look-ups of discovery: addresses from the system, records from the name server. Replaced in tests. */
import dns, { type SrvRecord } from 'node:dns';

export const systemDns = {
  /** All addresses of a name, of both families. */
  lookup: async (name: string): Promise<readonly string[]> => {
    const found = await dns.promises.lookup(name, { all: true });
    return found.map(({ address }) => address);
  },
  /** Their time to live, s. Rejects if it is unknown. */
  ttl: async (name: string): Promise<number> => {
    const records = await dns.promises
      .resolve4(name, { ttl: true })
      .catch(() => dns.promises.resolve6(name, { ttl: true }));
    return Math.min(...records.map(({ ttl }) => ttl));
  },
  srv: (name: string): Promise<readonly SrvRecord[]> => dns.promises.resolveSrv(name),
};

export type Dns = Readonly<typeof systemDns>;
