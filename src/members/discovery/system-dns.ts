/** The system's names, and the name server's records: what discovery asks. Replaced in tests. */
import dns, { type SrvRecord } from 'node:dns';

export const systemDns = {
  /** All addresses of a name, of either family. */
  lookup: async (name: string): Promise<readonly string[]> => {
    const found = await dns.promises.lookup(name, { all: true });
    return found.map(({ address }) => address);
  },
  /** For how long they hold, s; rejects where that is not known. */
  ttl: async (name: string): Promise<number> => {
    const records = await dns.promises
      .resolve4(name, { ttl: true })
      .catch(() => dns.promises.resolve6(name, { ttl: true }));
    return Math.min(...records.map(({ ttl }) => ttl));
  },
  srv: (name: string): Promise<readonly SrvRecord[]> => dns.promises.resolveSrv(name),
};

export type Dns = Readonly<typeof systemDns>;
