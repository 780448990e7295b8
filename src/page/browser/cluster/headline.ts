/**
 * The health of the whole in one word and one sentence: what somebody reads first at night. Pure.
 *
 * The worst comes first, and its consequences are left out. No number in the sentence changes by itself,
 * since a screen reader reads every change of it out.
 */
import { capitalized, inWords, listed, milliseconds } from '../lib/amounts.ts';
import { duration } from '../lib/time.ts';
import type { ClusterReport, MemberReport, StatusUpdate } from '../wire.ts';
import { check, eventsOf, type Headline, recipe, shellWord } from './help.ts';
import {
  anotherCluster,
  certificateEnding,
  certificateExpired,
  databaseNearlyFull,
  paused,
  reloadRefused,
  turningClientsAway,
} from './own-headlines.ts';

type View = (status: StatusUpdate) => Headline | undefined;

/** The first that has something to say decides. */
const views: readonly View[] = [
  stopping,
  paused,
  anotherCluster,
  nobody,
  held,
  panic,
  noLeader,
  noQuorum,
  alarms,
  starting,
  certificateExpired,
  turningClientsAway,
  troubled,
  disagreeing,
  unpolled,
  databaseNearlyFull,
  reloadRefused,
  certificateEnding,
  drained,
];

/** What follows from nothing else, so that it is worth a word beside another headline. */
const apart: readonly View[] = [
  anotherCluster,
  certificateExpired,
  turningClientsAway,
  databaseNearlyFull,
  reloadRefused,
  certificateEnding,
];

export function headlineOf(status: StatusUpdate): Headline {
  for (const view of views) {
    const headline = view(status);
    if (headline !== undefined) return headline;
  }
  return well(status);
}

/** The words of what else is wrong, beside the headline. */
export function alsoWrong(status: StatusUpdate): readonly string[] {
  const first = headlineOf(status).word;
  const words = apart.flatMap((view) => view(status)?.word ?? []);
  return status.stopping ? [] : words.filter((word) => word !== first);
}

function stopping({ stopping }: StatusUpdate): Headline | undefined {
  if (!stopping) return undefined;
  const sentence = 'This balancer is stopping: it takes no new clients.';
  return { tone: 'warn', word: 'Stopping', sentence };
}

function nobody(status: StatusUpdate): Headline | undefined {
  if (status.members.length > 0) return undefined;
  const sentence = 'No member is known, so every client is turned away.';
  return { tone: 'bad', word: 'No members', sentence, help: [check(status)] };
}

/** Before the consequences of a lost leader, which are known only when the hold is over. */
function held({ hold: { current, limitMs } }: StatusUpdate): Headline | undefined {
  if (current === undefined) return undefined;
  const { cause, why, leader, since } = current;
  const isPlanned = cause === 'planned';
  const until = isPlanned ? 'another member leads' : 'there is a leader';
  // A name is written as it is.
  const what = why.startsWith(leader) ? why : capitalized(why);
  const limit = limitMs % 1_000 === 0 ? duration(limitMs) : milliseconds(limitMs);
  const sentence = `${what}. What clients send waits, at most ${limit}, until ${until}.`;
  const tone = isPlanned ? 'note' : 'warn';
  return { tone, word: 'Holding', sentence, since, help: [eventsOf(leader)] };
}

function panic(status: StatusUpdate): Headline | undefined {
  if (status.mode !== 'panic') return undefined;
  const sentence = `No member is healthy; clients are sent to every one that may be there. ${troubles(status.members)}.`;
  return { tone: 'bad', word: 'Panic', sentence, help: [check(status), eventsOf(undefined)] };
}

function noLeader(status: StatusUpdate): Headline | undefined {
  const { cluster, members, mode } = status;
  if (cluster.leader !== undefined || cluster.voters.length === 0 || mode === 'starting') {
    return undefined;
  }
  const why = troubles(members);
  const sentence = `No member knows a leader: nothing can be written until one is elected${why && `; ${why}`}.`;
  return { tone: 'bad', word: 'No leader', sentence, help: [check(status)] };
}

function noQuorum(status: StatusUpdate): Headline | undefined {
  const { cluster, members, mode } = status;
  const { voters, quorum, healthyVoters, unseenVoters } = cluster;
  if (voters.length === 0 || healthyVoters + unseenVoters >= quorum || mode === 'starting') {
    return undefined;
  }
  const few = healthyVoters === 0 ? 'None' : `Only ${inWords(healthyVoters)}`;
  const sentence = `${few} of ${inWords(voters.length)} voting members ${healthyVoters > 1 ? 'are' : 'is'} healthy, and it takes ${inWords(quorum)} to write; ${troubles(members)}.`;
  return { tone: 'bad', word: 'No quorum', sentence, help: [check(status)] };
}

function alarms(status: StatusUpdate): Headline | undefined {
  const { cluster } = status;
  if (cluster.alarms.length === 0) return undefined;
  const raised = cluster.alarms.map(({ member, kind }) => `${member} raised the alarm ${kind}`);
  const isFull = cluster.alarms.some(({ kind }) => kind === 'NOSPACE');
  const what = isFull ? ': writes are refused' : '';
  const help = [recipe(isFull ? 'Defragment' : 'Replace a member'), check(status)];
  return { tone: 'bad', word: 'Alarm', sentence: `${raised.join('; ')}${what}.`, help };
}

function starting({ mode }: StatusUpdate): Headline | undefined {
  if (mode !== 'starting') return undefined;
  const sentence = 'No member is healthy yet, and some have not been checked.';
  return { tone: 'note', word: 'Starting', sentence };
}

function troubled(status: StatusUpdate): Headline | undefined {
  const { members, cluster } = status;
  const why = troubles(members);
  if (why === '') return undefined;
  const isRecovering = members.every(
    ({ state, unfit }) => state !== 'failed' && state !== 'suspect' && !isTrouble(unfit),
  );
  const word = isRecovering ? 'Recovering' : cluster.tolerance === 0 ? 'At risk' : 'Degraded';
  const worst = members.find((member) => troubleOf(member) !== undefined);
  const help = [eventsOf(worst?.name), check(status)];
  return { tone: 'warn', word, sentence: `${why}; ${tolerance(cluster, true)}.`, help };
}

function disagreeing(status: StatusUpdate): Headline | undefined {
  const { cluster } = status;
  if (cluster.disagreeing.length === 0) return undefined;
  const who = listed(cluster.disagreeing);
  const names = cluster.disagreeing.length === 1 ? 'names' : 'name';
  const sentence = `${who} ${names} another leader or term than most; ${tolerance(cluster, false)}.`;
  return { tone: 'warn', word: 'Disagreement', sentence, help: [check(status)] };
}

function unpolled(status: StatusUpdate): Headline | undefined {
  const { members, cluster } = status;
  const unknown = members.filter(({ unknown }) => unknown !== undefined);
  if (unknown.length === 0) return undefined;
  const who = listed(unknown.map(({ name }) => name));
  const sentence = `All members pass their checks, but the status of ${who} is not known; ${tolerance(cluster, false)}.`;
  return { tone: 'warn', word: 'Partly unknown', sentence, help: [check(status)] };
}

function drained({ members, cluster }: StatusUpdate): Headline | undefined {
  const away = members.filter(({ drain }) => drain !== undefined);
  if (away.length === 0) return undefined;
  const are = away.length === 1 ? 'is' : 'are';
  const sentence = `${listed(away.map(({ name }) => name))} ${are} drained by an operator; ${tolerance(cluster, false)}.`;
  const undrain = {
    what: 'Use it again',
    text: `etcd-lb undrain ${shellWord(away[0]?.name ?? '')}`,
  };
  return { tone: 'note', word: 'Drained', sentence, help: [undrain] };
}

function well({ members, cluster }: StatusUpdate): Headline {
  const used = members.filter(({ unfit }) => unfit === undefined);
  const learners = members.length - used.length;
  const who =
    used.length === 1 ? `${used[0]?.name} is healthy` : `All ${used.length} members healthy`;
  const beside =
    learners === 0
      ? ''
      : `, beside ${learners === 1 ? 'a learner' : `${inWords(learners)} learners`}`;
  return {
    tone: 'ok',
    word: 'Healthy',
    sentence: `${who}${beside}, ${tolerance(cluster, false)}.`,
  };
}

/** "m1 failed: connection refused; m2 is suspect: timed out after 700 ms", or nothing. */
function troubles(members: readonly MemberReport[]): string {
  const namesBy = new Map<string, string[]>();
  for (const member of members) {
    const what = troubleOf(member);
    if (what !== undefined) namesBy.set(what, [...(namesBy.get(what) ?? []), member.name]);
  }
  return [...namesBy]
    .map(
      ([what, names]) =>
        `${listed(names)} ${names.length > 1 ? what.replace(/^is /, 'are ') : what}`,
    )
    .join('; ');
}

function troubleOf({ state, evidence, unfit }: MemberReport): string | undefined {
  const why = evidence === undefined ? '' : `: ${evidence.detail}`;
  if (state === 'failed') return `failed${why}`;
  if (state === 'suspect') return `is suspect${why}`;
  if (isTrouble(unfit)) return `is not used: ${unfit.detail}`;
  if (state === 'recovering') return 'is recovering';
  return state === 'unknown' ? 'is not checked yet' : undefined;
}

/** A learner is no trouble: somebody wanted it so. */
function isTrouble(unfit: MemberReport['unfit']): unfit is NonNullable<MemberReport['unfit']> {
  return unfit !== undefined && unfit.reason !== 'learner';
}

/** @param further has something failed already? */
function tolerance(cluster: ClusterReport, further: boolean): string {
  const { voters, tolerance: left, unseenVoters } = cluster;
  if (voters.length === 0) return 'how many may fail is not known yet';
  const unseen =
    unseenVoters === 0
      ? ''
      : `; ${inWords(unseenVoters)} of the voters ${unseenVoters === 1 ? 'is' : 'are'} not watched from here`;
  const may =
    left > 0
      ? `${inWords(left)} ${further ? 'more ' : ''}may fail`
      : further
        ? 'no further failure is tolerated'
        : voters.length === 1
          ? 'and it is the only one'
          : 'none may fail';
  return may + unseen;
}
