/** A cluster on loopback, which needs no root, with certificates of its own where it speaks TLS. */
import type { EtcdBinary } from '../../../src/demo/etcd-binary.ts';
import { startLocalCluster } from '../../../src/demo/local-cluster.ts';
import type { Setting } from '../setting.ts';
import { askWith } from './ask.ts';
import { clusterCertificates } from './certificates.ts';
import type { FaultCluster } from './member.ts';

export async function startLoopbackCluster(
  etcd: EtcdBinary,
  { members: size, tls }: Setting,
): Promise<FaultCluster> {
  await using starting = new AsyncDisposableStack();
  const credentials = tls === 'passthrough' ? await clusterCertificates([], starting) : undefined;
  const cluster = starting.use(
    await startLocalCluster({
      etcd,
      size,
      ...(credentials && {
        tls: {
          ca: credentials.ca,
          serverCert: credentials.server.cert,
          serverKey: credentials.server.key,
        },
      }),
    }),
  );
  const parts = starting.move();
  return {
    ...{ members: cluster.members, etcd, credentials, ask: askWith(credentials) },
    ready: () => cluster.ready(),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
