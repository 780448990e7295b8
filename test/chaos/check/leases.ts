/**
 * Has a lease expired though its keep-alives were answered? A keep-alive that was answered was carried out
 * after it was asked, so the lease lives for the granted time from then on at least. When it has expired
 * is known only as a bound: the holder learns of it later, and so does who reads the history or the key.
 * So what is seen before the granted time is over is certainly too early; nothing is said of what is late.
 */
import type { LeaseRecord, WatchEvent } from '../clients/record.ts';
import type { Finding } from './finding.ts';

const check = 'leases';

/** What the leases are held against. */
export interface LeaseStore {
  /** Of the keys of all leases, as one reference reader was told. `at` may be late, not early. */
  readonly history: readonly WatchEvent[];
  /** What was read directly at the end; null where there was no key. A key that was not read is not in it. */
  readonly atEnd: ReadonlyMap<string, string | null>;
  /**
   * When all of it was read, ms; the holders keep their leases alive until then. What is seen after that
   * is not judged: the leases may have been given back.
   */
  readonly end: number;
}

/** A sign that the lease had expired by then. */
interface Sign {
  readonly at: number;
  readonly words: string;
}

/** At most one finding for each lease: the first sign of its expiry that comes too early. */
export function checkLeases(leases: readonly LeaseRecord[], store: LeaseStore): Finding[] {
  return leases.flatMap((lease) => {
    const tooEarly = signsOf(lease, store).flatMap((sign) => {
      const last = lastBefore(lease, sign.at);
      return last && sign.at < last.until ? [{ sign, last }] : [];
    });
    const [first] = tooEarly.toSorted((a, b) => a.sign.at - b.sign.at);
    if (!first) return [];
    const { sign, last } = first;
    const what =
      `The lease of ${lease.holder} with ${lease.key} (${lease.ttl} s) expired too early: ` +
      `${sign.words}, ${(sign.at - last.asked).toFixed(1)} ms after a keep-alive was asked ` +
      `that was answered with ${last.ttl} s.`;
    return [{ check, what, at: sign.at }];
  });
}

/** The last answered keep-alive that was asked before `at`, and how long it lets the lease live at least. */
function lastBefore({ answered }: LeaseRecord, at: number) {
  return answered
    .filter(({ asked, ttl }) => ttl > 0 && asked <= at)
    .map(({ asked, ttl }) => ({ asked, ttl, until: asked + ttl * 1_000 }))
    .toSorted((a, b) => a.asked - b.asked)
    .at(-1);
}

function signsOf(lease: LeaseRecord, { history, atEnd, end }: LeaseStore): Sign[] {
  const { key, lost, answered } = lease;
  const signs: Sign[] = history
    .filter((event) => event.type === 'delete' && event.key === key)
    .map(({ at, revision }) => ({ at, words: `its key was deleted at revision ${revision}` }));
  if (lost !== undefined) signs.push({ at: lost, words: 'the holder learned that it is lost' });
  for (const { at, ttl } of answered) {
    if (ttl <= 0) signs.push({ at, words: `a keep-alive was answered with ${ttl} s` });
  }
  if (atEnd.get(key) === null) signs.push({ at: end, words: 'its key was gone at the end' });
  return signs.filter(({ at }) => at <= end);
}
