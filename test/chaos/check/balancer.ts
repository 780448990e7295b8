/** What the balancer says of itself: its log, and whether its figures add up. */
import type { EventKind } from '../../../src/observe/events/event.ts';
import type { SocketRecord } from '../clients/record.ts';
import type { FaultName } from '../schedule/faults.ts';
import type { SessionSpan } from './excuses.ts';
import type { Finding } from './finding.ts';

/** A line of its log, as far as it matters here. */
export interface Line {
  readonly process: number;
  readonly at: number;
  readonly level: string;
  readonly msg: string;
  readonly event?: string;
  readonly [field: string]: unknown;
}

/** A session by the log. */
export interface LoggedSession extends SessionSpan {
  readonly process: number;
  /** As the balancer called its member when it opened. */
  readonly called: string;
  /** Why it ended; absent while it has not. */
  readonly reason?: string;
  readonly bytes?: { readonly client: number; readonly member: number };
}

/** Sessions by the lines that tell of their begin and end. */
export function sessionsOf(log: readonly Line[]): readonly LoggedSession[] {
  const open = new Map<string, LoggedSession>();
  const all: LoggedSession[] = [];
  for (const line of log) {
    const id = `${line.process}/${line['session']}`;
    if (line.msg === 'session opened') {
      const port = Number(/:(\d+)$/.exec(String(line['client'] ?? ''))?.[1] ?? 0);
      const called = String(line['member']);
      const { process, at: from } = line;
      const until = Number.POSITIVE_INFINITY;
      open.set(id, { port, member: ownName(called), called, from, until, process });
    } else if (line.msg === 'session ended') {
      const session = open.get(id);
      open.delete(id);
      const { reason, bytes } = line as unknown as Required<
        Pick<LoggedSession, 'reason' | 'bytes'>
      >;
      if (session) all.push({ ...session, until: line.at, reason, bytes });
    }
  }
  return [...all, ...open.values()];
}

/** A member's own name in what the balancer calls it: `m1`, `other-m1`, `m1.etcd.test:2379`. */
function ownName(name: string): string {
  return /m\d+/.exec(name)?.[0] ?? name;
}

/** Which faults explain which errors of the log; those of no fault are explained by nothing. */
export interface Explained {
  readonly faults: ReadonlySet<FaultName>;
  /** Did nobody lead for some time, or did no quorum run? */
  readonly wasLeaderless: boolean;
}

const unsettling: readonly FaultName[] = [
  ...(['kill', 'term', 'restart', 'stop', 'cut-balancer', 'cut-peers', 'cut-all'] as const),
  ...(['lossy-balancer', 'lossy-peers', 'reset-balancer', 'slow', 'slow-disk', 'starve'] as const),
  ...(['remove', 'replace', 'names-change', 'names-vanish', 'names-silent'] as const),
];
const explanations: Readonly<Partial<Record<string, readonly FaultName[]>>> = {
  'mode-changed': unsettling,
  'hold-ended': unsettling,
  'reload-refused': ['reload'],
  'descriptors-short': ['descriptors'],
  'alarm-raised': ['no-space'],
  'discovery-failing': ['names-vanish', 'names-change', 'names-silent'],
  // A pair is two files, one of which is written first.
  'certificates-refused': ['reload', 'descriptors'],
} satisfies Partial<Record<EventKind, readonly FaultName[]>>;

/** Errors in the log that nothing of the schedule explains. */
export function unexplained(
  log: readonly Line[],
  { faults, wasLeaderless }: Explained,
): readonly Finding[] {
  return log
    .filter(({ level }) => level === 'error' || level === 'fatal')
    .filter(({ event = '' }) => {
      const reasons = explanations[event];
      if (reasons === undefined) return true;
      return !wasLeaderless && !reasons.some((name) => faults.has(name));
    })
    .map(({ at, msg, event }) => ({
      check: 'log',
      at,
      what: `an error in the log that nothing explains: ${event ?? 'no event'}: ${msg}`,
    }));
}

/**
 * Where calls are seen, whoever has to leave does so in time, between two calls: nobody is cut.
 *
 * @param log of a balancer that sees calls.
 */
export function cuts(log: readonly Line[]): readonly Finding[] {
  return log
    .filter(({ event, cut }) => (event === 'drain-ended' || event === 'stopped') && cut !== 0)
    .map(({ at, msg, cut }) => ({ check: 'drains', at, what: `${cut} sessions were cut: ${msg}` }));
}

/** A figure of `/metrics` by member, summed over its other labels. */
function figures(metrics: string, name: string): ReadonlyMap<string, number> {
  const all = new Map<string, number>();
  for (const line of metrics.split('\n').filter((each) => each.startsWith(`${name}{`))) {
    const member = /member="([^"]*)"/.exec(line)?.[1] ?? '';
    all.set(member, (all.get(member) ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1)));
  }
  return all;
}

/**
 * Do the figures of the last process add up? All its clients have left by then. Of members that have come or
 * gone or have another name there is only a part.
 *
 * @param metrics the text of `/metrics`.
 * @param log of that process.
 */
export function sums(metrics: string, log: readonly Line[]): readonly Finding[] {
  const sessions = sessionsOf(log);
  const partial = new Set(
    log
      .filter(({ event = '' }) => /^member-(joined|left|renamed)$/.test(event))
      .flatMap((line) => [line['member'], line['before']]),
  );
  const of = (name: string) => figures(metrics, `etcd_lb_${name}`);
  const [opened, closed] = [of('sessions_opened_total'), of('sessions_closed_total')];
  const [open, bytes] = [of('sessions'), of('bytes_total')];
  const whole = [...opened.keys()].filter((member) => !partial.has(member));
  return whole.flatMap((member) => {
    const count = (figure: ReadonlyMap<string, number>) => figure.get(member) ?? 0;
    const logged = sessions.filter((session) => session.called === member);
    const said = logged.reduce((sum, each) => sum + (each.bytes?.client ?? 0), 0);
    const heard = logged.reduce((sum, each) => sum + (each.bytes?.member ?? 0), 0);
    const wrong = [
      count(opened) !== count(closed) + count(open) &&
        `${count(opened)} sessions opened, ${count(closed)} ended and ${count(open)} open`,
      count(open) !== 0 && `${count(open)} sessions are open without clients`,
      count(opened) !== logged.length &&
        `${count(opened)} sessions opened, ${logged.length} by the log`,
      count(bytes) !== said + heard &&
        `${count(bytes)} bytes relayed, ${said + heard} by the sessions in the log`,
    ];
    return wrong
      .filter((what) => what !== false)
      .map((what) => ({ check: 'figures', what: `${member}: ${what}` }));
  });
}

/** With it a peer says that it ends its TLS, which whoever leaves need not read: bytes. */
const closeNotify = 32;
/** GOAWAY and PING, with which the balancer asks a client to leave: bytes that no member has said. */
const farewell = 34;

/** Bytes of clients that ended in order are those of their sessions, in both directions. */
export function bytesOf(
  sockets: readonly SocketRecord[],
  sessions: readonly LoggedSession[],
  isSecure: boolean,
): readonly Finding[] {
  return sockets.flatMap(({ client, port, sent, received, inOrder, opened }) => {
    if (!inOrder || port === 0 || Number.isNaN(sent)) return [];
    // A port is used again: the session that opened at that time is meant.
    const session = sessions
      .filter((each) => each.port === port && each.bytes)
      .toSorted((a, b) => Math.abs(a.from - opened) - Math.abs(b.from - opened))[0];
    const { bytes, reason = '' } = session ?? {};
    // What was cut short is not whole, although its client had ended in order.
    if (bytes === undefined || !/^(client|member)-closed$/.test(reason)) return [];
    const unread = [sent - bytes.client, bytes.member - received] as const;
    const isWhole = isSecure
      ? unread.every((count) => count >= 0 && count <= closeNotify)
      : unread[0] === 0 && (unread[1] === 0 || unread[1] === -farewell);
    if (isWhole) return [];
    return [
      {
        check: 'figures',
        at: opened,
        what: `${client} said ${sent} bytes and heard ${received}, its session had ${bytes.client} and ${bytes.member}`,
      },
    ];
  });
}
