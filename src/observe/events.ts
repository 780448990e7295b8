/**
 * Events: every decision, with its evidence, as one sentence and as fields.
 *
 * Owns the wording and the last few hundred events. Leaves to others who listens (log.ts writes
 * them down, http.ts shows them).
 */
import type { Candidate } from '../balance/snapshot.ts';
import type { TableChange } from '../cluster/member-table.ts';
import type { NameChange } from '../cluster/names.ts';
import type { RoutingMode } from '../cluster/routing.ts';
import type { Evidence, Health } from '../cluster/verdict.ts';
import type { RejectReason } from '../proxy/data-path.ts';

/** One line of the log and of `/status`. Further fields depend on `kind`. */
export interface Event {
  /** ms since the epoch. */
  readonly at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly kind:
    | 'started'
    | 'member-changed'
    | 'member-unfit'
    | 'member-fit'
    | 'mode-changed'
    | 'leader-changed'
    | 'leader-lost'
    | 'alarm-raised'
    | 'alarm-cleared'
    | 'inspection-failing'
    | 'inspection-back'
    | 'sessions-evicted'
    | 'sessions-moved'
    | 'clients-rejected'
    | 'handshakes-failed'
    | 'member-joined'
    | 'member-renamed'
    | 'member-left'
    | 'sessions-removed'
    | 'member-misadvertised'
    | 'discovery-failing'
    | 'discovery-back'
    | 'state-used'
    | 'state-failing'
    | 'state-back'
    | 'names-failing'
    | 'names-back'
    | 'descriptors-short'
    | 'descriptors-back'
    | 'key-exposed'
    | 'certificates-renewed'
    | 'certificates-refused'
    | 'member-drained'
    | 'drain-ended'
    | 'member-undrained'
    | 'drains-restored'
    | 'drains-unusable'
    | 'rebalance-asked'
    | 'session-closed'
    | 'log-level-changed'
    | 'reloaded'
    | 'reload-refused'
    | 'admin-unavailable'
    | 'listen-ignored'
    | 'observe-waits'
    | 'observe-opened'
    | 'stopping'
    | 'stopped';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What an event says; its time is added when it is recorded. */
export type EventBody = Omit<Event, 'at'>;

/** An event and what to call it by, as `Last-Event-ID` of a stream does. */
export interface NumberedEvent extends Event {
  /** Of no other event, of no other run of the balancer either. */
  readonly id: string;
}

const kept = 300;

export class EventLog {
  readonly #recent: Event[] = [];
  readonly #listener: (event: Event) => void;
  readonly #followers = new Set<(event: NumberedEvent) => void>();
  /** Tells the ids of this run from those of another. */
  readonly #run = Date.now().toString(36);
  #recorded = 0;

  constructor(listener: (event: Event) => void) {
    this.#listener = listener;
  }

  /** The last 300 events, oldest first. */
  get recent(): readonly Event[] {
    return this.#recent;
  }

  record(body: EventBody): void {
    const event: Event = { at: Date.now(), ...body };
    this.#recent.push(event);
    if (this.#recent.length > kept) this.#recent.shift();
    this.#recorded += 1;
    this.#listener(event);
    for (const follower of this.#followers) follower(this.#numbered(event, this.#recorded));
  }

  /** Has `follower` told of every event from now on, until what this returns is called. */
  follow(follower: (event: NumberedEvent) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /** The events that are kept and came after the one with this id, oldest first; all if it is none of this run. */
  after(id: string | undefined): readonly NumberedEvent[] {
    const [run, number] = id?.split('-') ?? [];
    const known = run === this.#run ? Number(number) : 0;
    const before = this.#recorded - this.#recent.length;
    return this.#recent
      .map((event, index) => this.#numbered(event, before + index + 1))
      .slice(Math.max(0, known - before) || 0);
  }

  #numbered(event: Event, number: number): NumberedEvent {
    return { id: `${this.#run}-${number}`, ...event };
  }
}

/** The balancer accepts clients. */
export function started(
  identity: { readonly version: string; readonly listen: readonly string[] },
  members: readonly { readonly candidate: Candidate; readonly endpoint: string }[],
  observePort: number | undefined,
): EventBody {
  const { version, listen } = identity;
  const endpoints = members.map((member) => member.endpoint);
  const before = endpoints.length > 0 ? endpoints.join(', ') : 'no member that is known yet';
  return {
    level: 'info',
    kind: 'started',
    message: `etcd-lb ${version} listens on ${listen.join(', ')} in front of ${before}`,
    fields: { version, listen, endpoints, observePort },
  };
}

/** @param drainTimeout ms. */
export function stopping(sessions: number, drainTimeout: number): EventBody {
  return {
    level: 'info',
    kind: 'stopping',
    message: `stopping: no new clients; ${count(sessions, 'session')} may end within ${drainTimeout} ms`,
    fields: { sessions, drainTimeout },
  };
}

/** @param cut sessions that were closed by us. */
export function stopped(cut: number): EventBody {
  return {
    level: 'info',
    kind: 'stopped',
    message: cut === 0 ? 'stopped' : `stopped; ${count(cut, 'session')} closed`,
    fields: { cut },
  };
}

/** "m1: healthy -> suspect: check timed out after 700 ms" */
export function memberChanged({
  candidate,
  from,
  to,
  hold,
}: NonNullable<TableChange['member']>): EventBody {
  const evidence = evidenceOf(to);
  const past = evidenceOf(from);
  let why = '';
  if (to.state === 'recovering') {
    why = `: a check passed after ${describe(to.evidence)}`;
    if (hold > 0) why += `; not used for ${hold} ms more, since it has failed again and again`;
  } else if (evidence !== undefined) why = `: ${describe(evidence)}`;
  else if (past !== undefined) why = ': checks pass again';
  return {
    level: to.state === 'suspect' || to.state === 'failed' ? 'warn' : 'info',
    kind: 'member-changed',
    message: `${candidate.name}: ${from.state} -> ${to.state}${why}`,
    fields: {
      member: candidate.name,
      from: from.state,
      to: to.state,
      ...(evidence && {
        reason: evidence.failure.reason,
        evidence: {
          detail: evidence.failure.detail,
          failedChecks: evidence.failedChecks,
          since: new Date(evidence.since).toISOString(),
        },
      }),
    },
  };
}

/**
 * Panic begins and ends, or the first member was found healthy.
 *
 * @param drained members that get nothing however they are.
 */
export function modeChanged(
  from: RoutingMode,
  to: RoutingMode,
  drained: readonly Candidate[],
): EventBody {
  const message = {
    panic:
      'no member is healthy: until one passes its checks, connections go to every member but one that answers nothing while most do',
    normal:
      from === 'panic'
        ? 'a member is healthy again: only healthy members are routed to'
        : 'a member is healthy: ready',
    starting:
      'no member is healthy, and some have not been checked yet: every member that may serve is routed to',
  }[to];
  const names = drained.map(({ name }) => name).join(', ');
  const but =
    to === 'panic' && names !== '' ? `; nothing goes to ${names}, drained by an operator` : '';
  return {
    level: to === 'panic' ? 'error' : 'info',
    kind: 'mode-changed',
    message: `${message}${but}`,
    fields: { from, to },
  };
}

/**
 * "evicted 22 sessions from m1: 2 checks failed since 20:42:06.9 (timed out after 700 ms); m0, m2
 * healthy", or, while nobody is: "…; m0, m2 answer".
 */
export function sessionsEvicted(
  candidate: Candidate,
  sessions: number,
  health: Health,
  others: readonly Candidate[],
  mode: RoutingMode,
): EventBody {
  const evidence = evidenceOf(health);
  const names = others.map((each) => each.name);
  const how = mode === 'panic' ? 'answer' : 'healthy';
  const why = evidence === undefined ? health.state : describe(evidence);
  return {
    level: 'warn',
    kind: 'sessions-evicted',
    message: `evicted ${count(sessions, 'session')} from ${candidate.name}: ${why}; ${names.join(', ')} ${how}`,
    fields: {
      member: candidate.name,
      sessions,
      reason: evidence?.failure.reason,
      [how]: names,
    },
  };
}

/** "moved 20 sessions from m0, m2 to balance: m0 23, m1 20, m2 23 now" */
export function sessionsMoved(
  moved: ReadonlyMap<Candidate, number>,
  members: readonly Candidate[],
): EventBody {
  const sessions = [...moved.values()].reduce((total, each) => total + each, 0);
  const from = [...moved.keys()].map(({ name }) => name);
  const now = members.map(({ name, load }) => `${name} ${load}`).join(', ');
  return {
    level: 'info',
    kind: 'sessions-moved',
    message: `moved ${count(sessions, 'session')} from ${from.join(', ')} to balance: ${now} now`,
    fields: { sessions, from, loads: members.map(({ load }) => load) },
  };
}

/** Told at most every few seconds, so `clients` is a number. */
export function clientsRejected(reason: RejectReason, clients: number): EventBody {
  const why = {
    limit: 'max-connections is reached',
    'no-member': 'no member could be reached',
    'accept-failed': 'the system could not accept them (are descriptors short? see ulimit -n)',
    'no-request':
      'they said nothing within dial-timeout, or spoke TLS, where --tls originate expects plain HTTP',
  }[reason];
  return {
    level: 'warn',
    kind: 'clients-rejected',
    message: `turned away ${count(clients, 'client')}: ${why}`,
    fields: { reason, clients },
  };
}

/** "etcd-0.example cannot be looked up (getaddrinfo ENOTFOUND …): 10.0.0.1 is used, its last address" */
export function namesChanged({ name, failure, addresses }: NameChange): EventBody {
  if (failure === undefined) {
    const message = `${name} can be looked up again`;
    return { level: 'info', kind: 'names-back', message, fields: { name, addresses } };
  }
  const meanwhile =
    addresses.length === 0
      ? 'no address of it is known'
      : `${addresses.join(', ')} is used, its last address`;
  return {
    level: 'warn',
    kind: 'names-failing',
    message: `${name} cannot be looked up (${failure}): ${meanwhile}`,
    fields: { name, addresses },
  };
}

/** New clients will find no descriptor left. */
export function descriptorsShort(connections: number, limit: number): EventBody {
  return {
    level: 'error',
    kind: 'descriptors-short',
    message: `file descriptors are short: ${count(connections, 'client')} need two each and the limit is ${limit} (EMFILE for further ones); raise ulimit -n`,
    fields: { connections, limit },
  };
}

export function descriptorsBack(limit: number): EventBody {
  return {
    level: 'info',
    kind: 'descriptors-back',
    message: `file descriptors suffice again: the limit is ${limit}`,
    fields: { limit },
  };
}

function evidenceOf(health: Health): Evidence | undefined {
  return 'evidence' in health ? health.evidence : undefined;
}

function describe({ failure, failedChecks, since }: Evidence): string {
  if (failedChecks === 0) return `dial failed: ${failure.detail}`;
  const time = new Date(since).toISOString().slice(11, 21);
  return `${count(failedChecks, 'check')} failed since ${time} (${failure.detail})`;
}

/** "1 session", "2 sessions". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
