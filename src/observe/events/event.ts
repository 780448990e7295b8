/**
 * Events: what happened that people or machines should know of, as plain data.
 *
 *   record(event) ──► event-log.ts ──► subscribers: log, metrics, systemd, page, admin API
 *                         └── describe(event): level, sentence, fields
 *
 * Each kind is a row of one of the tables in sentences/: its data and its sentence. So no kind lacks a sentence.
 * Events hold names and numbers, never objects that change later.
 */
import { clusterEvents } from './sentences/cluster.ts';
import { discoveryEvents } from './sentences/discovery.ts';
import { healthEvents } from './sentences/health.ts';
import { holdEvents } from './sentences/hold.ts';
import { operatorEvents } from './sentences/operators.ts';
import { pauseEvents } from './sentences/pause.ts';
import { processEvents } from './sentences/process.ts';
import type { Sentence } from './sentences/sentence.ts';
import { snapshotEvents } from './sentences/snapshots.ts';
import { tlsEvents } from './sentences/tls.ts';
import { trafficEvents } from './sentences/traffic.ts';

const sentences = {
  ...processEvents,
  ...healthEvents,
  ...clusterEvents,
  ...holdEvents,
  ...discoveryEvents,
  ...trafficEvents,
  ...tlsEvents,
  ...operatorEvents,
  ...snapshotEvents,
  ...pauseEvents,
};

export type EventKind = keyof typeof sentences;

/** The data of an event of one kind. */
export type EventOf<Kind extends EventKind> = Readonly<Parameters<(typeof sentences)[Kind]>[0]>;

/** What happened. */
export type Event = { [Kind in EventKind]: { readonly kind: Kind } & EventOf<Kind> }[EventKind];

/** The sentence for an event. Pure. */
export function describe(event: Event): Sentence {
  return (sentences[event.kind] as (event: Event) => Sentence)(event);
}
