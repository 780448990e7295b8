/** Clients of etcd as people have them: etcd3 for Node, and etcdctl. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { noop } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import type { EtcdBinary } from '../../src/demo/etcd-binary.ts';
import type { ClientCredentials } from './certificates.ts';

/** For `faultHandling`: a request that fails is not repeated, and none is refused unsent. */
export const withoutRetries = { host: () => noop, global: noop };

/** An etcd3 client with a connection of its own, which reconnects without much delay. */
export function etcd3(
  hosts: string | string[],
  certificates?: ClientCredentials,
  options: Partial<IOptions> = {},
): Etcd3 {
  return new Etcd3({
    hosts,
    ...(certificates && {
      credentials: {
        rootCertificate: readFileSync(certificates.ca),
        certChain: readFileSync(certificates.client.cert),
        privateKey: readFileSync(certificates.client.key),
      },
    }),
    grpcOptions: {
      // For an IP address grpc-js sets the address as TLS server name, which Node 26 refuses to do.
      ...(certificates && { 'grpc.ssl_target_name_override': 'localhost' }),
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.min_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 200,
      'grpc.max_receive_message_length': 64 * 1024 * 1024,
    },
    ...options,
  });
}

const run = promisify(execFile);

/** etcdctl against one address; resolves with what it printed. */
export function etcdctl(
  etcd: EtcdBinary,
  endpoint: string,
  certificates?: ClientCredentials,
): (...args: readonly string[]) => Promise<string> {
  const { etcdctl: command } = etcd;
  if (command === undefined) throw new Error('etcdctl is missing: set ETCDCTL=/path/to/etcdctl');
  const tls =
    certificates === undefined
      ? []
      : [
          ...['--cacert', certificates.ca],
          ...['--cert', certificates.client.cert, '--key', certificates.client.key],
        ];
  return async (...args) => {
    const env = { ...process.env, ETCDCTL_API: '3' };
    const all = ['--endpoints', endpoint, '--command-timeout', '20s', ...tls, ...args];
    return (await run(command, all, { env, maxBuffer: 16 * 1024 * 1024 })).stdout;
  };
}
