/** What the status says of the balancer itself: its certificates, reloads, and the clients that it turned away. Pure. */
import type { CertificateInUse, CertificateSetting } from '../certificates/expiry.ts';
import { iso } from '../lib/time/iso.ts';
import { type ClientTotals, type RejectReason, rejectReasons } from '../proxy/client-totals.ts';
import type { ReloadHistory, ReloadResult } from './events/sentences/operators.ts';

const day = 24 * 3_600_000; // ms

/** By reason; reasons without any are absent. */
export type RejectedReport = Readonly<Partial<Record<RejectReason, RejectedClients>>>;

export interface RejectedClients {
  readonly clients: number;
  /** When the last one was turned away. */
  readonly lastAt: string;
}

/** A file of certificates that is in use; of several authorities the next that expires. */
export interface CertificateReport {
  /** The setting that names the file. */
  readonly name: CertificateSetting;
  readonly path: string;
  readonly notAfter: string;
  /** Whole days until then; below 0 when it has expired. */
  readonly daysLeft: number;
}

export interface ReloadReport {
  /** The last success; the start counts as one. */
  readonly succeededAt: string;
  /** The last reload; absent before the first. */
  readonly last?:
    | {
        readonly at: string;
        readonly result: ReloadResult['kind'];
        /** Why it was refused, as one sentence. */
        readonly why?: string | undefined;
      }
    | undefined;
}

export function rejectedClients(totals: ClientTotals): RejectedReport {
  const seen = rejectReasons.flatMap((reason) => {
    const { clients, lastAt } = totals.rejectedFor(reason);
    return lastAt === undefined ? [] : [[reason, { clients, lastAt: iso(lastAt) }] as const];
  });
  return Object.fromEntries(seen);
}

/** @param now ms since the epoch. */
export function certificateReport(
  { setting: name, path, expiry }: CertificateInUse,
  now: number,
): CertificateReport {
  const daysLeft = Math.floor((expiry - now) / day);
  return { name, path, notAfter: iso(expiry), daysLeft };
}

export function reloadReport({ succeededAt, last }: ReloadHistory): ReloadReport {
  if (last === undefined) return { succeededAt: iso(succeededAt) };
  const { at, result } = last;
  const why = result.kind === 'refused' ? result.why : undefined;
  return { succeededAt: iso(succeededAt), last: { at: iso(at), result: result.kind, why } };
}
