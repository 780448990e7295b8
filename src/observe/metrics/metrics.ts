/**
 * Prometheus metrics, through prom-client.
 *
 *   events ─────────────────────────► hear() ──┐
 *   checks, dials, sessions, polls ───────────►├──► counters (counted.ts) ──┐
 *   state and counts kept elsewhere ───► readFrom() ──► read-metrics.ts ────┴──► render()
 *
 * Counts only what would be lost otherwise. The byte path touches none of it.
 */
import { Registry } from 'prom-client';
import type { PollResult } from '../../etcd/status/member-status.ts';
import type { CheckResult } from '../../health/state/check-result.ts';
import { healthStates } from '../../health/state/health.ts';
import { type HoldCause, type HoldEnd, holdCauses, holdEnds } from '../../leader/hold.ts';
import { failureReasons } from '../../lib/net/failure.ts';
import { type RefusalReason, refusalReasons } from '../../management/server.ts';
import type { Member } from '../../members/member.ts';
import type { DialAttempt } from '../../proxy/dial/dial.ts';
import { type HandshakeFailure, handshakeFailures } from '../../proxy/tls/downstream.ts';
import type { Event, EventKind, EventOf } from '../events/event.ts';
import { addFirstBytes, callMetrics } from './call-metrics.ts';
import { clusterMetrics } from './cluster-metrics.ts';
import { addCounters, addHistograms, type Counters, type Histograms } from './counted.ts';
import { addReadMetrics, type MetricSources } from './read-metrics.ts';
import { addRuntimeMetrics } from './runtime-metrics.ts';
import { snapshotMetrics } from './snapshot-metrics.ts';
import { stateMetrics } from './state-metrics.ts';

type Count = readonly [counter: keyof Counters, labels: Readonly<Record<string, string>>];

/** Which events are counted, and by which counter. */
const counting: { readonly [Kind in EventKind]?: (event: EventOf<Kind>) => Count } = {
  'member-changed': ({ member, to }) => ['stateChanges', { member, state: to.state }],
  'sessions-evicted': ({ member }) => ['evictions', { member }],
  'snapshot-saved': () => ['snapshots', { result: 'saved' }],
  'snapshot-failed': () => ['snapshots', { result: 'failed' }],
  'snapshot-skipped': () => ['snapshots', { result: 'skipped' }],
  'hold-ended': ({ cause, end }) => ['holds', { cause, end }],
  'certificates-renewed': () => ['certificateReloads', { result: 'applied' }],
  'certificates-refused': () => ['certificateReloads', { result: 'refused' }],
  reloaded: () => ['reloads', { result: 'applied' }],
  'reload-refused': () => ['reloads', { result: 'refused' }],
};

export class Metrics {
  readonly #registry = new Registry();
  readonly #counters: Counters;
  readonly #histograms: Histograms;

  constructor() {
    addRuntimeMetrics(this.#registry);
    this.#counters = addCounters(this.#registry);
    this.#histograms = addHistograms(this.#registry);
    this.#beginCauses();
  }

  /** Adds the metrics that are read at each scrape. Call it once. */
  readFrom(sources: MetricSources): void {
    const registry = this.#registry;
    addReadMetrics(
      registry,
      [...stateMetrics, ...snapshotMetrics, ...callMetrics, ...clusterMetrics],
      sources,
    );
    addFirstBytes(registry, sources);
    for (const { name } of sources.members()) this.#begin(name);
  }

  /** What `/metrics` answers. */
  async render(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /** Counts an event, if its kind is counted. */
  hear(event: Event): void {
    const count = counting[event.kind] as ((event: Event) => Count) | undefined;
    if (count !== undefined) {
      const [counter, labels] = count(event);
      this.#counters[counter].inc(labels);
    }
    const { kind } = event;
    if (kind === 'member-joined' || kind === 'member-renamed') this.#begin(event.member);
    if (kind === 'hold-ended') this.#histograms.holdDuration.observe(event.duration / 1_000);
  }

  /** Removes the series of a name that no member has, once its last session has ended. */
  async left(name: string): Promise<void> {
    for (const metric of [...Object.values(this.#counters), ...Object.values(this.#histograms)]) {
      const { values } = await metric.get();
      const own = values.map(({ labels }) => labels).filter(({ member }) => member === name);
      for (const { le: _bucket, ...labels } of own as Record<string, string>[])
        metric.remove(labels);
    }
  }

  checked({ name: member }: Member, result: CheckResult): void {
    const reason = result.ok ? '' : result.failure.reason;
    this.#counters.checks.inc({ member, result: result.ok ? 'passed' : 'failed', reason });
    this.#histograms.checkDuration.observe({ member }, result.duration / 1000);
  }

  polled({ name: member }: Member, { kind: result }: PollResult): void {
    this.#counters.polls.inc({ member, result });
  }

  attempted({ name: member }: Member, attempt: DialAttempt): void {
    const reason = attempt.result === 'failed' ? attempt.failure.reason : '';
    const isConnected = attempt.result === 'connected';
    this.#counters.dials.inc({ member, result: isConnected ? 'success' : attempt.result, reason });
    if (isConnected) this.#histograms.dialDuration.observe({ member }, attempt.duration / 1000);
  }

  /** @param duration ms. */
  sessionEnded({ name: member }: Member, duration: number): void {
    this.#histograms.sessionDuration.observe({ member }, duration / 1000);
  }

  unresponsive({ name: member }: Member): void {
    this.#counters.unresponsive.inc({ member });
  }

  stalled(): void {
    this.#counters.stalls.inc();
  }

  /** @param late how late a tick of housekeeping came, ms; less than 0 where the timer was early. */
  ticked(late: number): void {
    this.#histograms.eventLoopLag.observe(Math.max(0, late) / 1000);
  }

  /** Counts each client; the event covers several. */
  handshakeFailed(reason: HandshakeFailure): void {
    this.#counters.handshakesFailed.inc({ reason });
  }

  managementRefused(listener: 'observe' | 'admin', reason: RefusalReason): void {
    this.#counters.managementRefused.inc({ listener, reason });
  }

  /** Each unhandled error; the event tells only of the first with its stack. */
  failed(): void {
    this.#counters.unexpected.inc();
  }

  /** Series are there before they count anything, so that a rate sees the first increment. */
  #beginCauses(): void {
    const { holds, handshakesFailed, managementRefused, snapshots, ...others } = this.#counters;
    for (const cause of holdCauses) {
      for (const end of holdEnds) if (canEnd(cause, end)) holds.inc({ cause, end }, 0);
    }
    for (const listener of ['observe', 'admin']) {
      for (const reason of refusalReasons) managementRefused.inc({ listener, reason }, 0);
    }
    for (const result of ['applied', 'refused']) {
      others.certificateReloads.inc({ result }, 0);
      others.reloads.inc({ result }, 0);
    }
    for (const reason of handshakeFailures) handshakesFailed.inc({ reason }, 0);
    for (const result of ['saved', 'failed', 'skipped']) snapshots.inc({ result }, 0);
  }

  /** The same for a new member. */
  #begin(member: string): void {
    const { evictions, unresponsive, stateChanges, checks, dials } = this.#counters;
    evictions.inc({ member }, 0);
    unresponsive.inc({ member }, 0);
    for (const state of healthStates) stateChanges.inc({ member, state }, 0);
    checks.inc({ member, result: 'passed', reason: '' }, 0);
    for (const result of ['success', 'abandoned']) dials.inc({ member, result, reason: '' }, 0);
    for (const reason of failureReasons) {
      checks.inc({ member, result: 'failed', reason }, 0);
      dials.inc({ member, result: 'failed', reason }, 0);
    }
  }
}

/** Reads end no planned hold: a leader answers them until it is moved. */
function canEnd(cause: HoldCause, end: HoldEnd): boolean {
  return cause !== 'planned' || end !== 'confirmed';
}
