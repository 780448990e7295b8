/** The cluster at a glance: a few figures, each marked where it is not as it should be. Pure. */
import { inWords } from './amounts.ts';
import { duration } from './time.ts';
import type { Tone } from './tone.ts';
import type { News } from './wire.ts';

export interface Fact {
  readonly label: string;
  readonly value: string;
  readonly more: string;
  /** Only what is not as it should be has one. */
  readonly tone?: Tone | undefined;
}

/** What is worth a look. */
export function factsOf(news: News): readonly Fact[] {
  const { cluster, mode, sessions, waitingClients } = news;
  const { voters, quorum, healthyVoters, unseenVoters, learners, tolerance, leader } = cluster;
  const isKnown = voters.length > 0;
  const isHeard = news.members.some(({ etcd, unknown }) => etcd && unknown === undefined);
  const unsure = unseenVoters > 0 ? `, ${unseenVoters} not watched` : '';
  const alarms = cluster.alarms.map(({ kind, member }) => `${kind} (${member})`);
  return [
    {
      label: 'Healthy voters',
      value: isKnown ? `${healthyVoters} of ${voters.length}` : '–',
      more: isKnown
        ? `quorum is ${quorum}${unsure}${learners.length > 0 ? `; ${learners.length} learning` : ''}`
        : 'not known yet',
      tone:
        isKnown && healthyVoters + unseenVoters < quorum
          ? 'bad'
          : healthyVoters + unseenVoters < voters.length
            ? 'warn'
            : undefined,
    },
    {
      label: 'May still fail',
      value: !isKnown ? '–' : tolerance === 0 ? 'none' : inWords(tolerance),
      more: isKnown ? 'before writes stop' : 'not known yet',
      tone: isKnown && tolerance === 0 && voters.length > 1 ? 'warn' : undefined,
    },
    {
      label: 'Leader',
      value: leader ?? (isKnown ? 'none' : '–'),
      more: leaderDetails(news, isHeard),
      tone: leaderTone(news, isHeard),
    },
    {
      label: 'Alarms',
      value: alarms.length === 0 ? 'none' : alarms.join(', '),
      more: alarms.length === 0 ? 'raised by etcd' : 'see etcdctl alarm list',
      tone: alarms.length > 0 ? 'bad' : undefined,
    },
    {
      label: 'etcd',
      value: cluster.versions.join(', ') || '–',
      more: cluster.versions.length > 1 ? 'several versions at once' : 'on every member',
      tone: cluster.versions.length > 1 ? 'warn' : undefined,
    },
    {
      label: 'Mode',
      value: mode,
      more: {
        normal: 'healthy members only',
        starting: 'not checked yet',
        panic: 'every member is tried',
      }[mode],
      tone: mode === 'panic' ? 'bad' : mode === 'starting' ? 'note' : undefined,
    },
    {
      label: 'Sessions',
      value: sessions.toLocaleString('en'),
      more:
        waitingClients === 0 ? 'no client waits' : `${waitingClients.toLocaleString('en')} waiting`,
      tone: waitingClients > 0 ? 'warn' : undefined,
    },
  ];
}

function leaderTone({ cluster, hold }: News, isHeard: boolean): Tone | undefined {
  if (hold.current) return hold.current.cause === 'planned' ? 'note' : 'warn';
  if (cluster.voters.length === 0) return undefined;
  if (cluster.leader === undefined) return 'bad';
  return !isHeard || cluster.disagreeing.length > 0 ? 'warn' : undefined;
}

function leaderDetails({ cluster, hold, at }: News, isHeard: boolean): string {
  const { term, leader, leaderSince } = cluster;
  if (term === 0) return 'not known yet';
  if (hold.current) return `term ${term}, clients are held`;
  if (!isHeard) return `term ${term}, as last heard`;
  if (leader === undefined || leaderSince === undefined) return `term ${term}`;
  return `term ${term}, for ${duration(Date.parse(at) - Date.parse(leaderSince))}`;
}
