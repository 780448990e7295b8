/** What the clients of a schedule are told at their start; plain data. */

/** Where they connect to, as etcd's clients write it. */
export interface Place {
  /** `http://127.0.0.1:4444`, `https://127.0.0.1:4444` or `unix:///path`. */
  readonly url: string;
  /** Paths of PEM files, where TLS is spoken. */
  readonly tls?: {
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
  };
}

export interface ClientPlan {
  readonly place: Place;
  /** All keys begin with this. */
  readonly prefix: string;
  /** Seeds what each client does; when it does it depends on answers. */
  readonly seed: number;
  /** Keys that are put, read and swapped, and how many clients share each. */
  readonly registers: number;
  readonly clientsPerRegister: number;
  /** Between two calls of one of these clients, ms. */
  readonly pace: number;
  readonly watches: number;
  readonly leases: number;
  /** s. */
  readonly leaseTtl: number;
  /** Clients that read all of a large range, as many again that do so slowly, and its size in bytes. */
  readonly largeReaders: number;
  readonly largeBytes: number;
  readonly idle: number;
  /** Clients that connect anew for each call. */
  readonly shortLived: number;
  /** Path of etcdctl, for a watch, a lease and short calls of the Go client; without it there are none. */
  readonly etcdctl?: string;
  /** Path of the program with clients on the Go library; without it there are none. */
  readonly goClient?: string;
  /** How long a call may take, ms. */
  readonly deadline: number;
}
