/** Every check of a run, over what it has left. */
import {
  bytesOf,
  cuts,
  type Line,
  type LoggedSession,
  sessionsOf,
  sums,
  unexplained,
} from './check/balancer.ts';
import { crossedEnd, type Judged, judge, type Span, withoutExcuse } from './check/excuses.ts';
import type { Finding } from './check/finding.ts';
import { checkLeases } from './check/leases.ts';
import { checkLinearizable } from './check/linearizable.ts';
import { checkWatch } from './check/watches.ts';
import { checkWrites } from './check/writes.ts';
import type {
  CallRecord,
  ClientRecord,
  LeaseRecord,
  SocketRecord,
  WatchEvent,
  WatchRecord,
} from './clients/record.ts';
import type { BadEnd } from './scene/balancer.ts';
import type { Note } from './scene/build.ts';
import type { Hit } from './scene/hit.ts';
import type { Schedule } from './schedule/schedule.ts';
import { seesCalls } from './schedule/setting.ts';

/** What the balancer holds on to. */
interface Holdings {
  readonly descriptors: number;
  /** Bytes. */
  readonly memory: number;
}

/** All that a run has left. Times are ms, on the clock of records. */
export interface Evidence {
  readonly startedAt: number;
  readonly mendedAt: number;
  readonly records: readonly ClientRecord[];
  /** The true history of the store, and what is in it at the end. */
  readonly events: readonly WatchEvent[];
  readonly atEnd: ReadonlyMap<string, string>;
  /** When that was read. */
  readonly readAt: number;
  readonly hits: readonly Hit[];
  readonly leaderless: readonly Span[];
  readonly log: readonly Line[];
  readonly badEnds: readonly BadEnd[];
  readonly processes: number;
  readonly metrics: string;
  /** With all clients connected, and when they had left. */
  readonly before: Holdings;
  readonly after: Holdings;
  /** Members that have come since the start. */
  readonly added: number;
  readonly members: readonly {
    readonly id: string;
    readonly name: string;
    readonly place: string;
  }[];
  readonly notes: readonly Note[];
  readonly complaints: readonly Note[];
}

export interface Judgement {
  readonly findings: readonly Finding[];
  readonly counts: Counts;
}

export interface Counts {
  /** Calls that were answered, and those that failed with an excuse. */
  readonly calls: number;
  readonly excused: number;
  /** Of these, those that crossed the end of their connection. */
  readonly crossed: number;
  /** The failed call that began latest after what excuses it. */
  readonly latest: Judged | undefined;
  /** Of watches. */
  readonly events: number;
}

/** Connections and files that a member which has come since the start may need. */
const perMember = 8;
/** More resident memory than before, MB: what V8 keeps of its own accord. */
const spareMemory = 100;

export function check({ steps, setting }: Schedule, evidence: Evidence): Judgement {
  const { records, events, atEnd, log, leaderless } = evidence;
  const calls = of<CallRecord>(records, 'call');
  const watches = of<WatchRecord>(records, 'watch');
  const leases = of<LeaseRecord>(records, 'lease');
  const sockets = of<SocketRecord>(records, 'socket');
  const sessions = sessionsOf(log);
  const judged = judgeCalls(evidence, calls, sockets, sessions, !seesCalls(setting));
  const until = events.at(-1)?.revision ?? 0;
  const last = log.filter(({ process }) => process === evidence.processes - 1);
  const findings = [
    ...withoutExcuse(judged),
    ...checkLinearizable(calls),
    ...checkWrites(calls, { history: events, atEnd }),
    ...watches.flatMap((watch) => checkWatch(watch, events, until)),
    ...checkLeases(leases, { history: events, atEnd, end: evidence.readAt }),
    ...unexplained(log, {
      faults: new Set(steps.map(({ fault }) => fault)),
      wasLeaderless: leaderless.some(({ from, until: to }) => to - from > 500),
    }),
    ...(seesCalls(setting) ? cuts(log) : []),
    ...sums(evidence.metrics, last),
    // Where the balancer speaks TLS itself, it relays what is within.
    ...(setting.tls === 'plain' || setting.tls === 'passthrough'
      ? bytesOf(sockets, sessions, setting.tls === 'passthrough')
      : []),
    ...ends(evidence),
    ...holdings(evidence),
  ];
  const failed = judged.length;
  const counts = {
    calls: calls.length - failed,
    excused: judged.filter(({ excuse }) => excuse !== undefined).length,
    crossed: judged.filter(({ excuse }) => excuse === crossedEnd).length,
    latest: judged.filter(({ excuse }) => excuse).toSorted((a, b) => b.after - a.after)[0],
    events: watches.reduce((sum, each) => sum + each.events.length, 0),
  };
  return { findings, counts };
}

function judgeCalls(
  { hits, leaderless, members }: Evidence,
  calls: readonly CallRecord[],
  sockets: readonly SocketRecord[],
  sessions: readonly LoggedSession[],
  isOpaque: boolean,
): readonly Judged[] {
  const nameOf = (id: string) => members.find((member) => member.id === id)?.name;
  const placeOf = (name: string) => members.find((member) => member.name === name)?.place;
  return judge(calls, { hits, sessions, sockets, leaderless, nameOf, placeOf, isOpaque });
}

function ends({ badEnds, complaints, records }: Evidence): readonly Finding[] {
  const crashes = records.filter((record) => (record as { kind: string }).kind === 'crash');
  return [
    ...badEnds.map(({ how }) => ({ check: 'process', what: `the balancer ${how}` })),
    ...complaints.map(({ what, at }) => ({ check: 'orders', what, at })),
    ...crashes.map((crash) => ({ check: 'clients', what: JSON.stringify(crash) })),
  ];
}

/** Of a process that has lived through it all; one that came later began with less. */
function holdings({ before, after, added, processes }: Evidence): readonly Finding[] {
  if (processes > 1) return [];
  const findings: Finding[] = [];
  const say = (what: string) => findings.push({ check: 'holdings', what });
  if (after.descriptors > before.descriptors + added * perMember) {
    say(
      `${after.descriptors} descriptors are open without clients, ${before.descriptors} with them`,
    );
  }
  const more = (after.memory - before.memory) / 1e6;
  if (more > spareMemory) say(`${Math.round(more)} MB more are resident than before`);
  return findings;
}

function of<T extends ClientRecord>(
  records: readonly ClientRecord[],
  kind: T['kind'],
): readonly T[] {
  return records.filter((record): record is T => record.kind === kind);
}
