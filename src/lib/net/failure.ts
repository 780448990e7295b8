/**
 * What went wrong on the way to a member, as a value.
 *
 * Owns the short list of reasons that verdicts, metrics and logs share, and the mapping from Node's
 * error codes to it. Leaves to others what follows from a reason (verdict.ts) and how it is told.
 */
import { safeText } from '../text/safe-text.ts';

/** Why a check or a dial did not succeed. Used as a metric label: short, fixed and few. */
export const failureReasons = [
  'timeout', // no answer within the bound: hung process, black hole, slow disk
  'refused', // nothing listens: the process is gone
  'reset', // the member, or something in between, cut the connection
  'unreachable', // no route, network down
  'dns', // the name does not resolve
  'tls', // a certificate was not accepted, by either side
  'unhealthy', // it answered, and says it cannot serve
  'self', // the endpoint is this balancer
  'local', // this host ran out of descriptors, ports or memory: no fault of the member
  'error', // anything else, see the detail
] as const;
export type FailureReason = (typeof failureReasons)[number];

/** A failure with the words that let a person act on it. */
export interface Failure {
  readonly reason: FailureReason;
  /** One clause without a full stop, such as `timed out after 700 ms`; safe to show (safe-text.ts). */
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

/** OpenSSL's verification results carry no common prefix; these are the families Node reports. */
const tlsCode = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH)/;

/**
 * Classifies an error of `net`, `tls`, `http` or `dns`. An `AggregateError` (a name with several
 * addresses, all failed) is judged by its first cause. Never throws.
 */
export function classify(error: unknown): Failure {
  const cause = error instanceof AggregateError ? error.errors[0] : error;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = reasonByCode[code] ?? (tlsCode.test(code) ? 'tls' : 'error');
  return { reason, detail: safeText(message) || code || 'unknown error' };
}
