/** The cluster at a glance: a few figures, each marked where it is not as it should be. Pure. */
import { atQuota, nearQuota, quotaShare } from '../../../etcd/status/quota.ts';
import { bytes, inWords, percent } from '../lib/amounts.ts';
import { duration } from '../lib/time.ts';
import type { Tone } from '../lib/tone.ts';
import type { StatusUpdate } from '../wire.ts';

export interface Fact {
  readonly label: string;
  readonly value: string;
  readonly more: string;
  /** Absent where all is as it should be. */
  readonly tone?: Tone | undefined;
}

const unknown = { value: '–', more: 'not known yet' };

/** The figures, in the order in which they are shown. */
export function factsOf(status: StatusUpdate): readonly Fact[] {
  return [healthyVoters, tolerance, leader, alarms, versions, database].map((fact) => fact(status));
}

function healthyVoters({ cluster }: StatusUpdate): Fact {
  const { voters, quorum, healthyVoters, unseenVoters, learners } = cluster;
  const label = 'Healthy voters';
  if (voters.length === 0) return { label, ...unknown };
  const unseen = unseenVoters > 0 ? `, ${unseenVoters} not watched` : '';
  const learning = learners.length > 0 ? `; ${learners.length} learning` : '';
  const most = healthyVoters + unseenVoters;
  return {
    label,
    value: `${healthyVoters} of ${voters.length}`,
    more: `quorum is ${quorum}${unseen}${learning}`,
    tone: most < quorum ? 'bad' : most < voters.length ? 'warn' : undefined,
  };
}

function tolerance({ cluster: { voters, tolerance } }: StatusUpdate): Fact {
  const label = 'May still fail';
  if (voters.length === 0) return { label, ...unknown };
  return {
    label,
    value: tolerance === 0 ? 'none' : inWords(tolerance),
    more: 'before writes stop',
    tone: tolerance === 0 && voters.length > 1 ? 'warn' : undefined,
  };
}

function leader(status: StatusUpdate): Fact {
  const { cluster, members } = status;
  const isKnown = members.some(({ etcd, unknown }) => etcd && unknown === undefined);
  return {
    label: 'Leader',
    value: cluster.leader ?? (cluster.voters.length > 0 ? 'none' : '–'),
    more: leaderDetails(status, isKnown),
    tone: leaderTone(status, isKnown),
  };
}

function alarms({ cluster }: StatusUpdate): Fact {
  const label = 'Alarms';
  if (cluster.alarms.length === 0) return { label, value: 'none', more: 'raised by etcd' };
  const raised = cluster.alarms.map(({ kind, member }) => `${kind} (${member})`);
  return { label, value: raised.join(', '), more: 'see etcdctl alarm list', tone: 'bad' };
}

function versions({ cluster: { versions } }: StatusUpdate): Fact {
  const isMixed = versions.length > 1;
  return {
    label: 'etcd',
    value: versions.join(', ') || '–',
    more: isMixed ? 'several versions at once' : 'on every member',
    tone: isMixed ? 'warn' : undefined,
  };
}

/** Of the member whose database is the fullest. */
function database({ members }: StatusUpdate): Fact {
  const label = 'Database';
  const known = members.filter(({ unknown }) => unknown === undefined);
  const sizes = known.flatMap(({ name, etcd }) =>
    etcd === undefined ? [] : [{ name, size: etcd.dbSize, share: quotaShare(etcd) }],
  );
  const [most] = sizes.sort((a, b) => (b.share ?? 0) - (a.share ?? 0) || b.size - a.size);
  if (most === undefined) return { label, ...unknown };
  const { name, size, share } = most;
  if (share === undefined) return { label, value: bytes(size), more: `${name}, quota not known` };
  const tone = share >= atQuota ? 'bad' : share >= nearQuota ? 'warn' : undefined;
  return { label, value: percent(share), more: `of the quota of ${name}`, tone };
}

function leaderTone({ cluster, hold }: StatusUpdate, isKnown: boolean): Tone | undefined {
  if (hold.current) return hold.current.cause === 'planned' ? 'note' : 'warn';
  if (cluster.voters.length === 0) return undefined;
  if (cluster.leader === undefined) return 'bad';
  return !isKnown || cluster.disagreeing.length > 0 ? 'warn' : undefined;
}

function leaderDetails({ cluster, hold, at }: StatusUpdate, isKnown: boolean): string {
  const { term, leader, leaderSince } = cluster;
  if (term === 0) return 'not known yet';
  if (hold.current) return `term ${term}, clients are held`;
  if (!isKnown) return `term ${term}, as last heard`;
  if (leader === undefined || leaderSince === undefined) return `term ${term}`;
  return `term ${term}, for ${duration(Date.parse(at) - Date.parse(leaderSince))}`;
}
