/** Counts and logs connections. Frequent occurrences become throttled events. */
import type { Event } from '../../observe/events/event.ts';
import { throttled } from '../../observe/events/throttle.ts';
import type { Log } from '../../observe/log/log.ts';
import type { Metrics } from '../../observe/metrics/metrics.ts';
import type { RejectReason } from '../../proxy/client-totals.ts';
import type { HandshakeFailure } from '../../proxy/tls/downstream.ts';
import type { Traffic } from './traffic.ts';

export function reportTraffic(
  traffic: Traffic,
  metrics: Metrics,
  log: Log,
  record: (event: Event) => void,
): void {
  const tellRejected = throttled<RejectReason>((reason, clients) =>
    record({ kind: 'clients-rejected', reason, clients }),
  );
  const tellFailed = throttled<HandshakeFailure>((reason, clients) =>
    record({ kind: 'handshakes-failed', reason, clients }),
  );
  traffic.on('attempted', (member, attempt) => metrics.attempted(member, attempt));
  traffic.on('opened', ({ id, relay, member }, failovers) => {
    const client = relay.clientAddress();
    log.session('session opened', {
      session: id,
      ...(client !== undefined && { client }),
      ...{ member: member.name, failovers },
    });
  });
  traffic.on('ended', ({ id, member, openedAt, bytes }, reason) => {
    const duration = performance.now() - openedAt;
    metrics.sessionEnded(member, duration);
    log.session('session ended', {
      ...{ session: id, member: member.name, reason, durationMs: Math.round(duration) },
      bytes: { client: bytes.client, member: bytes.member },
    });
  });
  traffic.on('rejected', tellRejected);
  traffic.on('handshake-failed', (reason) => {
    metrics.handshakeFailed(reason);
    tellFailed(reason);
  });
}
