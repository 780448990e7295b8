/**
 * What is wrong with the balancer itself, or soon will be, although all members are healthy. Pure: the status
 * page and `etcd-lb status` both say it, and agree.
 */
import { nearQuota, quotaShare } from '../etcd/status/quota.ts';
import type { RejectReason } from '../proxy/client-totals.ts';
import type { CertificateReport } from './balancer-report.ts';
import { pausedWords, replacedWords } from './events/sentences/pause.ts';
import type { MemberReport, Status } from './status.ts';

/** Why a client is turned away that did nothing wrong; the other reasons are its own. */
const ourReasons = ['limit', 'source-limit', 'no-member', 'accept-failed'] as const;
/** Clients of etcd come back within this time, ms: gRPC waits 2 min and a fifth at most. */
const mostBackoff = 150_000;
/** The same where another client would be served by now. */
const soon = 10_000;
/** Days. */
const week = 7;

/**
 * For which reasons clients are being turned away.
 *
 * @param now ms since the epoch, by the balancer's clock.
 */
export function turningAway(
  {
    rejectedClients,
    sessions,
    waitingClients,
    maxConnections,
  }: Pick<Status, 'rejectedClients' | 'sessions' | 'waitingClients' | 'maxConnections'>,
  now: number,
): readonly RejectReason[] {
  return ourReasons.filter((reason) => {
    const last = rejectedClients[reason];
    if (last === undefined) return false;
    const isFull = sessions + waitingClients >= maxConnections;
    const mayBeOver = reason === 'limit' ? !isFull : reason === 'no-member';
    return now - Date.parse(last.lastAt) < (mayBeOver ? soon : mostBackoff);
  });
}

/** Why nobody gets a member although members may be healthy, as one clause; `undefined` if clients are served. */
export function whyUnserved({
  paused,
  cluster: { replaced },
}: Pick<Status, 'paused'> & {
  readonly cluster: Pick<Status['cluster'], 'replaced'>;
}): string | undefined {
  const isAsked = paused === undefined ? [] : [pausedWords(paused)];
  const isOther = replaced === undefined ? [] : [replacedWords(replaced)];
  const why = [...isAsked, ...isOther];
  return why.length === 0 ? undefined : why.join('; ');
}

/** Why the last reload was refused; `undefined` if it was not. */
export function refusedReload({ reload: { last } }: Pick<Status, 'reload'>): string | undefined {
  return last?.result === 'refused' ? (last.why ?? '') : undefined;
}

/** The certificates that end within a week, or have expired. */
export function endingCertificates({
  certificates,
}: Pick<Status, 'certificates'>): readonly CertificateReport[] {
  return certificates.filter(({ daysLeft }) => daysLeft < week);
}

/** The members whose database is near its quota, or at it. Not those that do not tell how it is now. */
export function nearlyFull({ members }: Pick<Status, 'members'>): readonly MemberReport[] {
  return members.filter(
    ({ etcd, unknown }) =>
      etcd !== undefined && unknown === undefined && (quotaShare(etcd) ?? 0) >= nearQuota,
  );
}
