/** The TLS options of a gRPC connection to a member. */
import { rootCertificates } from 'node:tls';
import type { MemberTls } from '../certificates/certificates.ts';
import { serverName } from '../certificates/server-name.ts';

/** Where a member is, and the certificates for it. */
export interface GrpcTarget {
  readonly scheme: 'http' | 'https';
  /** Without brackets. */
  readonly host: string;
  /** The member's address, if several members share the host name. */
  readonly address?: string | undefined;
  readonly port: number;
  /** The same as for checks. Called before each connection. */
  readonly tls: () => MemberTls;
}

/** PEM texts, and the channel options that go with them. */
export interface GrpcSecurity {
  readonly rootCertificate: Buffer;
  readonly certChain?: Buffer;
  readonly privateKey?: Buffer;
  readonly channelOptions: { readonly 'grpc.ssl_target_name_override': string };
}

/**
 * The bound on any answer, bytes; a list of 32 members takes some thousand. The default of grpc-js is 4 MB,
 * which it reads and decodes in one turn of the event loop.
 */
export const answerBound = { 'grpc.max_receive_message_length': 64 * 1024 } as const;

/** `address:port`, with brackets if needed. */
export function authorityOf({ host, address = host, port }: GrpcTarget): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Resolves with `undefined` for a member without TLS. Rejects as `serverName` does. */
export async function grpcSecurity(
  { scheme, host, port, tls }: GrpcTarget,
  signal: AbortSignal,
): Promise<GrpcSecurity | undefined> {
  if (scheme === 'http') return undefined;
  const material = tls();
  const { ca = rootCertificates.join('\n'), cert, key } = material;
  return {
    rootCertificate: Buffer.from(ca),
    ...(cert !== undefined && { certChain: Buffer.from(cert) }),
    ...(key !== undefined && { privateKey: Buffer.from(key) }),
    channelOptions: {
      'grpc.ssl_target_name_override': await serverName({ host, port, ...material }, signal),
    },
  };
}
