/**
 * Prometheus metrics, through prom-client.
 *
 * What the rest of the house counts anyway (sessions, bytes, states) is read when someone scrapes
 * (state-metrics.ts, cluster-metrics.ts); only what would be lost otherwise (durations, results) is
 * recorded as it happens, here. Nothing of it is touched on the byte path.
 * Every help text is a sentence that a stranger understands; the README lists them all.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PollResult } from '../../etcd/status/member-status.ts';
import type { CheckResult } from '../../health/state/check-result.ts';
import { healthStates } from '../../health/state/health.ts';
import type { EndedHold } from '../../leader/hold-status.ts';
import { failureReasons } from '../../lib/net/failure.ts';
import { type RefusalReason, refusalReasons } from '../../management/server.ts';
import type { Member } from '../../members/member.ts';
import { type RejectReason, rejectReasons } from '../../proxy/data-path.ts';
import type { DialAttempt } from '../../proxy/dial/dial.ts';
import { type HandshakeFailure, handshakeFailures } from '../../proxy/tls/downstream.ts';
import { readCalls } from './call-metrics.ts';
import { readCluster } from './cluster-metrics.ts';
import { HoldMetrics } from './hold-metrics.ts';
import { collectRuntime } from './runtime-metrics.ts';
import { readState, type StateSources } from './state-metrics.ts';

/** Seconds. Checks and dials take a fraction of a millisecond to a few seconds. */
const latencyBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Seconds. Sessions last from one call of etcdctl to the life of an apiserver. */
const lifetimeBuckets = [0.1, 1, 10, 60, 600, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600];

export class Metrics {
  readonly #registry = new Registry();
  readonly #holds: HoldMetrics;
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
  readonly #handshakesFailed: Counter;
  readonly #renewals: Counter;
  readonly #reloads: Counter;
  readonly #reloadSucceeded: Gauge;
  readonly #managementRefused: Counter;
  readonly #unexpected: Counter;

  constructor(sources: StateSources) {
    const registry = this.#registry;
    const registers = [registry];
    collectRuntime(registry);
    readState(registry, sources);
    readCalls(registry, sources.proxy, () => [...sources.members(), ...sources.leaving()]);
    readCluster(registry, sources);
    this.#holds = new HoldMetrics(registry, sources.hold);
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
      help: 'Clients that were turned away: limit (max-connections reached), source-limit (one address has its share of them), no-member (none could be reached within dial-timeout), accept-failed (the system ran out of descriptors), no-request (nothing was said within dial-timeout, or TLS, where --tls originate expects plain HTTP) or silent (nothing was said within first-byte-timeout).',
      labelNames: ['reason'],
    });
    this.#handshakesFailed = new Counter({
      registers,
      name: 'etcd_lb_tls_handshakes_failed_total',
      help: 'Handshakes of clients that failed under --tls terminate, by reason: no-certificate, untrusted, not-allowed (no name of --allow-client), rejected (the client did not accept ours), protocol, timeout or closed.',
      labelNames: ['reason'],
    });
    this.#renewals = new Counter({
      registers,
      name: 'etcd_lb_certificate_reloads_total',
      help: 'Times that certificate files had changed: applied to new connections, or refused because they cannot be used, so that those of before stay in force.',
      labelNames: ['result'],
    });
    this.#reloads = new Counter({
      registers,
      name: 'etcd_lb_reloads_total',
      help: 'Times that the settings were read again while running: applied, or refused because they cannot be used, so that nothing changed.',
      labelNames: ['result'],
    });
    this.#reloadSucceeded = new Gauge({
      registers,
      name: 'etcd_lb_last_reload_successful',
      help: '1 unless the last reload was refused, then 0 until one is applied.',
    });
    this.#reloadSucceeded.set(1);
    this.#managementRefused = new Counter({
      registers,
      name: 'etcd_lb_management_refused_total',
      help: 'Visitors of the observe or the admin listener that were refused, by reason: connections (all were in use), idle (closed for a newcomer), slow (a request or the reading of an answer took too long), large (a head or a body), streams (all were in use) or host (a name that is not ours).',
      labelNames: ['listener', 'reason'],
    });
    for (const listener of ['observe', 'admin']) {
      for (const reason of refusalReasons) this.#managementRefused.inc({ listener, reason }, 0);
    }
    this.#unexpected = new Counter({
      registers,
      name: 'etcd_lb_unexpected_errors_total',
      help: 'Errors that no part of the balancer has handled: it goes on, and the log has the stack of each once. Any is a bug, or this host is out of something.',
    });
    for (const result of ['applied', 'refused']) {
      this.#renewals.inc({ result }, 0);
      this.#reloads.inc({ result }, 0);
    }
    for (const reason of handshakeFailures) this.#handshakesFailed.inc({ reason }, 0);
    // Series that exist from the start, so that a rate sees the first increment.
    for (const reason of rejectReasons) this.#rejected.inc({ reason }, 0);
    for (const member of sources.members()) this.joined(member);
  }

  /** A member has joined: its series are there before they count anything. */
  joined({ name: member }: Member): void {
    this.#evictions.inc({ member }, 0);
    this.#silences.inc({ member }, 0);
    for (const state of healthStates) this.#stateChanges.inc({ member, state }, 0);
    this.#checks.inc({ member, result: 'passed', reason: '' }, 0);
    for (const reason of failureReasons) this.#checks.inc({ member, result: 'failed', reason }, 0);
    for (const result of ['connected', 'abandoned', ...failureReasons]) {
      this.#dials.inc({ member, result }, 0);
    }
  }

  /** A member of this name has left, and its last session has ended: its series end. */
  async left(name: string): Promise<void> {
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

  checked({ name: member }: Member, result: CheckResult): void {
    const reason = result.ok ? '' : result.failure.reason;
    this.#checks.inc({ member, result: result.ok ? 'passed' : 'failed', reason });
    this.#checkDuration.observe({ member }, result.duration / 1000);
  }

  inspected(member: Member, { kind }: PollResult): void {
    this.#inspections.inc({ member: member.name, result: kind });
  }

  attempted({ name: member }: Member, attempt: DialAttempt): void {
    const result = attempt.result === 'failed' ? attempt.failure.reason : attempt.result;
    this.#dials.inc({ member, result });
    if (result === 'connected') this.#dialDuration.observe({ member }, attempt.duration / 1000);
  }

  failedOver(): void {
    this.#failovers.inc();
  }

  /** @param duration ms. */
  sessionEnded(member: Member, duration: number): void {
    this.#sessionDuration.observe({ member: member.name }, duration / 1000);
  }

  evicted(member: Member): void {
    this.#evictions.inc({ member: member.name });
  }

  stateChanged(member: Member, state: string): void {
    this.#stateChanges.inc({ member: member.name, state });
  }

  fellSilent(member: Member): void {
    this.#silences.inc({ member: member.name });
  }

  starved(): void {
    this.#starvations.inc();
  }

  holdEnded(ended: EndedHold): void {
    this.#holds.ended(ended);
  }

  renewed(result: 'applied' | 'refused'): void {
    this.#renewals.inc({ result });
  }

  reloaded(result: 'applied' | 'refused'): void {
    this.#reloads.inc({ result });
    this.#reloadSucceeded.set(result === 'applied' ? 1 : 0);
  }

  handshakeFailed(reason: HandshakeFailure): void {
    this.#handshakesFailed.inc({ reason });
  }

  managementRefused(listener: 'observe' | 'admin', reason: RefusalReason): void {
    this.#managementRefused.inc({ listener, reason });
  }

  rejected(reason: RejectReason): void {
    this.#rejected.inc({ reason });
  }

  /** An error that nobody has handled. */
  failed(): void {
    this.#unexpected.inc();
  }
}
