/**
 * Prometheus metrics, through prom-client.
 *
 * What the rest of the house counts anyway (sessions, bytes, states) is read when someone scrapes;
 * only what would be lost otherwise (durations, results) is recorded as it happens. Nothing here is
 * touched on the byte path.
 * Every help text is a sentence that a stranger understands; the README lists them all.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Candidate } from '../balance/snapshot.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Inspection } from '../cluster/facts.ts';
import type { Monitor } from '../cluster/monitor.ts';
import type { CheckResult } from '../cluster/probe.ts';
import { serves } from '../cluster/routing.ts';
import { healthStates } from '../cluster/verdict.ts';
import { type DataPath, type RejectReason, rejectReasons } from '../proxy/data-path.ts';
import type { DialAttempt } from '../proxy/dial.ts';
import { endReasons } from '../proxy/sessions.ts';
import { readCluster } from './cluster-metrics.ts';

/** What the metrics read when they are scraped. */
export interface MetricSources {
  readonly version: string;
  /** Those there are. */
  readonly members: () => readonly Candidate[];
  /** Those that have left and still have sessions. */
  readonly leaving: () => readonly Candidate[];
  readonly monitor: Monitor;
  readonly cluster: Cluster;
  readonly proxy: DataPath;
}

/** Seconds. Checks and dials take a fraction of a millisecond to a few seconds. */
const latencyBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Seconds. Sessions last from one call of etcdctl to the life of an apiserver. */
const lifetimeBuckets = [0.1, 1, 10, 60, 600, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600];

/** How often the delay of the event loop is measured, ms: each time wakes an idle process. */
const loopResolution = 250;

export class Metrics {
  readonly #registry = new Registry();
  readonly #checks: Counter;
  readonly #checkDuration: Histogram;
  readonly #inspections: Counter;
  readonly #dials: Counter;
  readonly #dialDuration: Histogram;
  readonly #sessionDuration: Histogram;
  readonly #failovers: Counter;
  readonly #evictions: Counter;
  readonly #stateChanges: Counter;
  readonly #silences: Counter;
  readonly #starvations: Counter;
  readonly #rejected: Counter;

  constructor(sources: MetricSources) {
    const registry = this.#registry;
    const registers = [registry];
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: loopResolution });
    readOnScrape(registry, sources);
    readCluster(registry, sources);
    this.#checks = new Counter({
      registers,
      name: 'etcd_lb_checks_total',
      help: 'Health checks of a member that finished, by result, and by reason where they failed.',
      labelNames: ['member', 'result', 'reason'],
    });
    this.#checkDuration = new Histogram({
      registers,
      name: 'etcd_lb_check_duration_seconds',
      help: 'How long health checks of a member took, failed ones included.',
      labelNames: ['member'],
      buckets: latencyBuckets,
    });
    this.#inspections = new Counter({
      registers,
      name: 'etcd_lb_inspections_total',
      help: 'Questions to a member about itself over gRPC (leader, learner, alarms, sizes), by result.',
      labelNames: ['member', 'result'],
    });
    this.#dials = new Counter({
      registers,
      name: 'etcd_lb_dials_total',
      help: 'Attempts to connect to a member for a client: connected, abandoned because another member was quicker, or the reason why they failed.',
      labelNames: ['member', 'result'],
    });
    this.#dialDuration = new Histogram({
      registers,
      name: 'etcd_lb_dial_duration_seconds',
      help: 'How long it took to connect to a member for a client, successful attempts only.',
      labelNames: ['member'],
      buckets: latencyBuckets,
    });
    this.#sessionDuration = new Histogram({
      registers,
      name: 'etcd_lb_session_duration_seconds',
      help: 'How long sessions with a member lasted, recorded when they end.',
      labelNames: ['member'],
      buckets: lifetimeBuckets,
    });
    this.#failovers = new Counter({
      registers,
      name: 'etcd_lb_failovers_total',
      help: 'Clients that were connected to a member after at least one other member had been tried for them.',
    });
    this.#evictions = new Counter({
      registers,
      name: 'etcd_lb_evictions_total',
      help: 'Times that all sessions of a member were closed because its failure was confirmed and another member was healthy, or, with none healthy, most of them answered.',
      labelNames: ['member'],
    });
    this.#stateChanges = new Counter({
      registers,
      name: 'etcd_lb_member_state_changes_total',
      help: 'Changes of the verdict on a member, by the state it changed to.',
      labelNames: ['member', 'state'],
    });
    this.#silences = new Counter({
      registers,
      name: 'etcd_lb_silences_total',
      help: 'Times that all members were checked at once because this one owed its clients an answer and was silent to all of them.',
      labelNames: ['member'],
    });
    this.#starvations = new Counter({
      registers,
      name: 'etcd_lb_starvations_total',
      help: 'Times that this process was kept from running for more than 100 ms; checks that time out meanwhile convict nobody.',
    });
    this.#rejected = new Counter({
      registers,
      name: 'etcd_lb_rejected_clients_total',
      help: 'Clients that were turned away: limit (max-connections reached) or no-member (none could be reached within dial-timeout), or accept-failed (the system ran out of descriptors).',
      labelNames: ['reason'],
    });
    // Series that exist from the start, so that a rate sees the first increment.
    for (const reason of rejectReasons) this.#rejected.inc({ reason }, 0);
    for (const member of sources.members()) this.joined(member);
  }

  /** A member has joined: its series are there before they count anything. */
  joined({ name: member }: Candidate): void {
    this.#evictions.inc({ member }, 0);
    this.#silences.inc({ member }, 0);
    for (const state of healthStates) this.#stateChanges.inc({ member, state }, 0);
    this.#checks.inc({ member, result: 'passed', reason: '' }, 0);
    this.#dials.inc({ member, result: 'connected' }, 0);
  }

  /** A member has left and its last session has ended: its series end. */
  async left({ name }: Candidate): Promise<void> {
    for (const metric of [
      ...[this.#checks, this.#checkDuration, this.#inspections, this.#dials, this.#dialDuration],
      ...[this.#sessionDuration, this.#evictions, this.#stateChanges, this.#silences],
    ]) {
      const { values } = await metric.get();
      const own = values.map(({ labels }) => labels).filter(({ member }) => member === name);
      for (const { le: _bucket, ...labels } of own as Record<string, string>[])
        metric.remove(labels);
    }
  }

  /** What `/metrics` answers. */
  async render(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  checked(candidate: Candidate, result: CheckResult): void {
    const member = candidate.name;
    const reason = result.ok ? '' : result.failure.reason;
    this.#checks.inc({ member, result: result.ok ? 'passed' : 'failed', reason });
    this.#checkDuration.observe({ member }, result.duration / 1000);
  }

  inspected(candidate: Candidate, { kind }: Inspection): void {
    this.#inspections.inc({ member: candidate.name, result: kind });
  }

  attempted(candidate: Candidate, attempt: DialAttempt): void {
    const member = candidate.name;
    const result = attempt.result === 'failed' ? attempt.failure.reason : attempt.result;
    this.#dials.inc({ member, result });
    if (result === 'connected') this.#dialDuration.observe({ member }, attempt.duration / 1000);
  }

  failedOver(): void {
    this.#failovers.inc();
  }

  /** @param duration ms. */
  sessionEnded(candidate: Candidate, duration: number): void {
    this.#sessionDuration.observe({ member: candidate.name }, duration / 1000);
  }

  evicted(candidate: Candidate): void {
    this.#evictions.inc({ member: candidate.name });
  }

  stateChanged(candidate: Candidate, state: string): void {
    this.#stateChanges.inc({ member: candidate.name, state });
  }

  fellSilent(candidate: Candidate): void {
    this.#silences.inc({ member: candidate.name });
  }

  starved(): void {
    this.#starvations.inc();
  }

  rejected(reason: RejectReason): void {
    this.#rejected.inc({ reason });
  }
}

/** Metrics that need no recording: each is computed from what is, or was counted, elsewhere. */
function readOnScrape(registry: Registry, sources: MetricSources): void {
  const { version, members, leaving, monitor, proxy } = sources;
  const served = (): readonly Candidate[] => [...members(), ...leaving()];
  const registers = [registry];
  new Gauge({
    registers,
    name: 'etcd_lb_build_info',
    help: 'Always 1; the labels tell the version of etcd-lb and of the Node runtime.',
    labelNames: ['version', 'node'],
  }).set({ version, node: process.version }, 1);
  new Gauge({
    registers,
    name: 'etcd_lb_panic',
    help: '1 while no member is healthy and connections are therefore sent to every member that may be there, else 0.',
    collect() {
      this.set(monitor.table.mode === 'panic' ? 1 : 0);
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_member_up',
    help: '1 while a member is healthy and gets new connections, else 0.',
    labelNames: ['member'],
    collect() {
      this.reset();
      for (const entry of monitor.table.entries) {
        this.set({ member: entry.candidate.name }, serves(entry) ? 1 : 0);
      }
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_member_state',
    help: '1 for the state that a member is in and 0 for the others: unknown (not checked yet), healthy, suspect (no new connections), failed (its sessions are closed while another member is healthy), recovering.',
    labelNames: ['member', 'state'],
    collect() {
      this.reset();
      for (const { candidate, health } of monitor.table.entries) {
        for (const state of healthStates) {
          this.set({ member: candidate.name, state }, health.state === state ? 1 : 0);
        }
      }
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_member_weight',
    help: 'The share of new connections that a member gets against the others: as configured, and less while it starts slowly after a failure.',
    labelNames: ['member'],
    collect() {
      this.reset();
      for (const { name, weight } of members()) this.set({ member: name }, weight);
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_sessions',
    help: 'Client connections that are joined with a member at this moment.',
    labelNames: ['member'],
    collect() {
      this.reset();
      for (const member of served()) {
        this.inc({ member: member.name }, proxy.sessions.countOf(member));
      }
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_waiting_clients',
    help: 'Clients that are held at this moment while a member is dialled for them.',
    collect() {
      this.set(proxy.waiting);
    },
  });
  new Counter({
    registers,
    name: 'etcd_lb_sessions_opened_total',
    help: 'Client connections that were joined with a member.',
    labelNames: ['member'],
    collect() {
      this.reset();
      for (const member of served()) {
        this.inc({ member: member.name }, proxy.sessions.totalsOf(member).opened);
      }
    },
  });
  new Counter({
    registers,
    name: 'etcd_lb_sessions_closed_total',
    help: 'Sessions that ended, by reason: closed or reset by the client or the member, evicted from a failed member, rebalanced (moved while quiet), removed (its member is none any more), or cut at shutdown.',
    labelNames: ['member', 'reason'],
    collect() {
      this.reset();
      for (const member of served()) {
        const { ended } = proxy.sessions.totalsOf(member);
        for (const reason of endReasons) this.inc({ member: member.name, reason }, ended[reason]);
      }
    },
  });
  new Counter({
    registers,
    name: 'etcd_lb_bytes_total',
    help: 'Bytes relayed, by direction: upstream (from clients to the member) or downstream (from the member to clients).',
    labelNames: ['member', 'direction'],
    collect() {
      this.reset();
      for (const member of served()) {
        const { bytes } = proxy.sessions.totalsOf(member);
        this.inc({ member: member.name, direction: 'upstream' }, bytes.client);
        this.inc({ member: member.name, direction: 'downstream' }, bytes.member);
      }
    },
  });
}
