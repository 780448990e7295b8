/** Metrics of the balancer and its members that are read from their state. */
import { expiriesOf } from '../../certificates/expiry.ts';
import { serves } from '../../health/routing.ts';
import { healthStates } from '../../health/state/health.ts';
import { rejectReasons } from '../../proxy/client-totals.ts';
import { endReasons } from '../../proxy/sessions/session.ts';
import { flag, perMember, present, type ReadMetric, served } from './read-metrics.ts';

export const stateMetrics: readonly ReadMetric[] = [
  {
    name: 'etcd_lb_build_info',
    help: 'Always 1; the labels tell what the balancer is called (--name), and the version of etcd-lb and of the Node runtime.',
    labels: ['name', 'version', 'node'],
    read: ({ name, version }) => [[1, { name, version, node: process.version }]],
  },
  {
    name: 'etcd_lb_certificate_expiry_timestamp_seconds',
    help: 'When the certificate in use for a setting expires, in seconds since 1970; for several authorities the earliest.',
    labels: ['certificate'],
    read: ({ certificates }) =>
      Object.entries(expiriesOf(certificates(), Date.now())).map(([certificate, at]) => [
        at / 1000,
        { certificate },
      ]),
  },
  {
    name: 'etcd_lb_last_reload_successful',
    help: '1 unless the last reload was refused, then 0 until one is applied.',
    read: ({ reload }) => [[flag(reload().last?.result.kind !== 'refused')]],
  },
  {
    name: 'etcd_lb_last_reload_success_timestamp_seconds',
    help: 'When the settings in use were last read and applied, at the start or by a reload, in seconds since 1970.',
    read: ({ reload }) => [[reload().succeededAt / 1000]],
  },
  {
    name: 'etcd_lb_panic',
    help: '1 while no member is healthy and connections therefore go to every member that may answer, else 0.',
    read: ({ monitor }) => [[flag(monitor.table.mode === 'panic')]],
  },
  {
    name: 'etcd_lb_member_up',
    help: '1 while a member is healthy and gets new connections, else 0.',
    ...perMember(present, (member) => flag(serves(member))),
  },
  {
    name: 'etcd_lb_member_state',
    help: '1 for the state that a member is in and 0 for the others: unknown (not checked yet), healthy, suspect (no new connections), failed (its sessions are closed while another member is healthy), recovering.',
    labels: ['member', 'state'],
    read: ({ monitor }) =>
      monitor.table.members.flatMap(({ name: member, health }) =>
        healthStates.map((state) => [flag(health.state === state), { member, state }]),
      ),
  },
  {
    name: 'etcd_lb_member_drained',
    help: '1 while a member is drained by an operator and gets no new connections, else 0.',
    ...perMember(present, ({ isDrained }) => flag(isDrained)),
  },
  {
    name: 'etcd_lb_member_weight',
    help: 'The weight of a member against the others for new connections: as configured, and less during slow start after a failure.',
    ...perMember(present, ({ weight }) => weight),
  },
  {
    name: 'etcd_lb_sessions',
    help: 'Sessions at this moment: client connections that are relayed to a member.',
    ...perMember(served, (member, { proxy }) => proxy.sessions.countOf(member)),
  },
  {
    name: 'etcd_lb_waiting_clients',
    help: 'Clients that wait at this moment: while a member is dialled for them, or while nobody gets a member.',
    read: ({ proxy }) => [[proxy.waiting]],
  },
  {
    name: 'etcd_lb_max_connections',
    help: 'How many clients are served at a time, waiting ones included (--max-connections); further ones are turned away.',
    read: ({ proxy }) => [[proxy.maxConnections]],
  },
  {
    name: 'etcd_lb_rejected_clients_total',
    help: 'Clients that were turned away: limit (max-connections reached), source-limit (one address has its share of them), no-member (none could be reached within dial-timeout), accept-failed (the system ran out of descriptors), paused (nobody gets a member, and clients are not to wait), no-request (the client sent nothing within dial-timeout, or sent TLS where --tls originate expects plain HTTP) or silent (it sent nothing within first-byte-timeout).',
    labels: ['reason'],
    read: ({ proxy }) =>
      rejectReasons.map((reason) => [proxy.totals.rejectedFor(reason).clients, { reason }]),
  },
  {
    name: 'etcd_lb_failovers_total',
    help: 'Clients that were connected to a member after at least one other member had been tried for them.',
    read: ({ proxy }) => [[proxy.totals.failovers]],
  },
  {
    name: 'etcd_lb_sessions_opened_total',
    help: 'Sessions that were opened: client connections that were relayed to a member.',
    ...perMember(served, (member, { proxy }) => proxy.sessions.totalsOf(member).opened),
  },
  {
    name: 'etcd_lb_sessions_closed_total',
    help: 'Sessions that ended, by reason: closed or reset by the client or the member, evicted from a failed member, rebalanced (moved to another member), removed (its member was removed), drained (its member), paused (nobody gets a member), operator (closed by hand), or shutdown (of the balancer).',
    labels: ['member', 'reason'],
    read: (sources) =>
      served(sources).flatMap((member) => {
        const { ended } = sources.proxy.sessions.totalsOf(member);
        return endReasons.map((reason) => [ended[reason], { member: member.name, reason }]);
      }),
  },
  {
    name: 'etcd_lb_bytes_total',
    help: 'Bytes relayed, by direction: upstream (from clients to the member) or downstream (from the member to clients).',
    labels: ['member', 'direction'],
    read: (sources) =>
      served(sources).flatMap((member) => {
        const { bytes } = sources.proxy.sessions.totalsOf(member);
        return [
          [bytes.client, { member: member.name, direction: 'upstream' }],
          [bytes.member, { member: member.name, direction: 'downstream' }],
        ];
      }),
  },
  {
    name: 'etcd_lb_log_lines_lost_total',
    help: 'Lines of the log that could not be written: the disk is full, or the reader is gone or too slow.',
    read: ({ lostLogLines }) => [[lostLogLines()]],
  },
  {
    name: 'etcd_lb_paused',
    help: '1 while an operator has paused the balancer, so that nobody gets a member, else 0.',
    read: ({ proxy }) => [[flag(proxy.pause.asked !== undefined)]],
  },
  {
    name: 'etcd_lb_holding',
    help: '1 while what clients send is held because the leader is lost, or is being moved, else 0.',
    read: ({ hold }) => [[flag(hold().current !== undefined)]],
  },
];
