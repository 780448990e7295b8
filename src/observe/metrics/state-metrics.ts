/**
 * Metrics of the balancer and its members that need no recording: each is computed, when somebody
 * scrapes, from what is, or was counted, elsewhere.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Certificates } from '../../certificates/certificates.ts';
import { expiriesOf } from '../../certificates/expiry.ts';
import { healthStates } from '../../health/health.ts';
import { serves } from '../../health/routing.ts';
import type { HoldView } from '../../leader/hold-status.ts';
import type { Member } from '../../members/member.ts';
import type { DataPath } from '../../proxy/data-path.ts';
import { endReasons } from '../../proxy/sessions/session.ts';
import type { ClusterSources } from './cluster-metrics.ts';

/** What is read, that of cluster-metrics.ts included. */
export interface StateSources extends ClusterSources {
  readonly version: string;
  /** Those that have left and still have sessions. */
  readonly leaving: () => readonly Member[];
  readonly proxy: DataPath;
  /** Those in force. */
  readonly certificates: () => Certificates;
  readonly hold: () => HoldView;
  /** Lines of the log that could not be written. */
  readonly lostLogLines: () => number;
}

/** Adds them to the registry. */
export function readState(registry: Registry, sources: StateSources): void {
  const { version, members, leaving, monitor, proxy, certificates } = sources;
  const served = (): readonly Member[] => [...members(), ...leaving()];
  const registers = [registry];
  new Gauge({
    registers,
    name: 'etcd_lb_build_info',
    help: 'Always 1; the labels tell the version of etcd-lb and of the Node runtime.',
    labelNames: ['version', 'node'],
  }).set({ version, node: process.version }, 1);
  new Gauge({
    registers,
    name: 'etcd_lb_certificate_expiry_timestamp_seconds',
    help: 'When the certificate in force expires that a setting names, in seconds since 1970; of several authorities the next one that does.',
    labelNames: ['certificate'],
    collect() {
      this.reset();
      for (const [certificate, at] of Object.entries(expiriesOf(certificates(), Date.now()))) {
        this.set({ certificate }, at / 1000);
      }
    },
  });
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
        this.set({ member: entry.member.name }, serves(entry) ? 1 : 0);
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
      for (const { member, health } of monitor.table.entries) {
        for (const state of healthStates) {
          this.set({ member: member.name, state }, health.state === state ? 1 : 0);
        }
      }
    },
  });
  new Gauge({
    registers,
    name: 'etcd_lb_member_drained',
    help: '1 while an operator has a member drained, so that it gets no new connections, else 0.',
    labelNames: ['member'],
    collect() {
      this.reset();
      for (const { member, drained } of monitor.table.entries) {
        this.set({ member: member.name }, drained ? 1 : 0);
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
    help: 'Sessions that ended, by reason: closed or reset by the client or the member, evicted from a failed member, rebalanced (moved to another member), removed (its member is none any more), drained (its member), operator (closed by hand), or shutdown (of the balancer).',
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
  new Counter({
    registers,
    name: 'etcd_lb_log_lines_lost_total',
    help: 'Lines of the log that could not be written: the disk is full, or the reader is gone or too slow.',
    collect() {
      this.reset();
      this.inc(sources.lostLogLines());
    },
  });
}
