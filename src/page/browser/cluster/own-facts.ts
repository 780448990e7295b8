/** This balancer at a glance, marked where it is not as it should be. Pure. */
import { endingCertificates, turningAway } from '../../../observe/concerns.ts';
import { ago, duration } from '../lib/time.ts';
import type { StatusUpdate } from '../wire.ts';
import type { Fact } from './facts.ts';

const modes: Readonly<Record<StatusUpdate['mode'], Pick<Fact, 'more' | 'tone'>>> = {
  normal: { more: 'healthy members' },
  starting: { more: 'not checked yet', tone: 'note' },
  panic: { more: 'every member is tried', tone: 'bad' },
};

/** From this share of the limit on a warning is due. */
const nearLimit = 0.9;

/** The figures, in the order in which they are shown. */
export function ownFactsOf(status: StatusUpdate): readonly Fact[] {
  return [mode, sessions, turnedAway, failovers, certificates, reload].map((fact) => fact(status));
}

function mode({ mode }: StatusUpdate): Fact {
  const { more, tone } = modes[mode];
  return { label: 'Mode', value: mode, more, tone };
}

function sessions({ sessions, waitingClients, maxConnections }: StatusUpdate): Fact {
  const waiting = waitingClients === 0 ? '' : `, ${waitingClients.toLocaleString('en')} waiting`;
  const isMuch = sessions + waitingClients >= maxConnections * nearLimit;
  return {
    label: 'Sessions',
    value: sessions.toLocaleString('en'),
    more: `of ${maxConnections.toLocaleString('en')} at most${waiting}`,
    tone: waitingClients > 0 || isMuch ? 'warn' : undefined,
  };
}

function turnedAway(status: StatusUpdate): Fact {
  const label = 'Turned away';
  const seen = Object.entries(status.rejectedClients);
  const [last] = seen.sort(([, a], [, b]) => Date.parse(b.lastAt) - Date.parse(a.lastAt));
  if (last === undefined) return { label, value: 'none', more: 'since the start' };
  const now = Date.parse(status.at);
  const [reason, { lastAt }] = last;
  return {
    label,
    value: seen.reduce((sum, [, { clients }]) => sum + clients, 0).toLocaleString('en'),
    more: `${reason}, ${ago(now - Date.parse(lastAt))}`,
    tone: turningAway(status, now).length > 0 ? 'bad' : undefined,
  };
}

function failovers({ failovers }: StatusUpdate): Fact {
  const value = failovers === 0 ? 'none' : failovers.toLocaleString('en');
  return { label: 'Failovers', value, more: 'since the start' };
}

function reload({ reload: { last }, at }: StatusUpdate): Fact {
  const label = 'Last reload';
  if (last === undefined) return { label, value: 'none', more: 'since the start' };
  const isRefused = last.result === 'refused';
  return {
    ...{ label, value: last.result, more: ago(Date.parse(at) - Date.parse(last.at)) },
    tone: isRefused ? 'warn' : undefined,
  };
}

/** The one that ends first. */
function certificates(status: StatusUpdate): Fact {
  const label = 'Certificates';
  const ends = (each: { readonly notAfter: string }): number => Date.parse(each.notAfter);
  const [first] = status.certificates.toSorted((a, b) => ends(a) - ends(b));
  if (first === undefined) return { label, value: 'none', more: 'are used' };
  const left = ends(first) - Date.parse(status.at);
  const inWords = first.daysLeft < 7 ? duration(left) : `${first.daysLeft} days`;
  const isEnding = endingCertificates(status).length > 0;
  return {
    label,
    value: left < 0 ? 'expired' : inWords,
    more: left < 0 ? `--${first.name}` : `left of --${first.name}`,
    tone: left < 0 ? 'bad' : isEnding ? 'warn' : undefined,
  };
}
