/**
 * Failures on the way to a member, as values.
 *
 * Owns the short list of reasons that health states, metrics and logs share, and the mapping from Node's
 * error codes to it. health/state/health.ts owns what follows from a reason.
 */
import { safeText } from '../text/safe-text.ts';

/** Why a check or a dial failed. Used as a metric label: short, fixed and few. */
export const failureReasons = [
  'timeout', // no answer within the bound: hung process, black hole, slow disk
  'refused', // nothing listens: the process is gone
  'reset', // the member, or something in between, cut the connection
  'unreachable', // no route, network down
  'dns', // the name does not resolve
  'tls', // either side did not accept the other's certificate
  'unhealthy', // it answered, and says it cannot serve
  'self', // the endpoint is this balancer
  'local', // this host ran out of descriptors, ports or memory: not a fault of the member
  'error', // anything else, see the detail
] as const;
export type FailureReason = (typeof failureReasons)[number];

/** A failure with a detail that a person can act on. */
export interface Failure {
  readonly reason: FailureReason;
  /** One clause without a full stop, such as `timed out after 700ms`; safe to show (safe-text.ts). */
  readonly detail: string;
}

const reasonByCode: Readonly<Record<string, FailureReason>> = {
  ECONNREFUSED: 'refused',
  ENOENT: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EMFILE: 'local',
  ENFILE: 'local',
  ENOBUFS: 'local',
  ENOMEM: 'local',
  EADDRNOTAVAIL: 'unreachable',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
};

/** OpenSSL's verification results have no common prefix; these are the families that Node reports. */
const tlsCode = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH)/;

/**
 * Classifies an error of `net`, `tls`, `http` or `dns`. An `AggregateError` (a name whose
 * addresses all failed) is classified by its first error. Never throws.
 */
export function classify(error: unknown): Failure {
  const cause = error instanceof AggregateError ? error.errors[0] : error;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = reasonByCode[code] ?? (tlsCode.test(code) ? 'tls' : 'error');
  return { reason, detail: safeText(message) || code || 'unknown error' };
}
