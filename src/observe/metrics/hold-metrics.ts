/** Metrics of holds: whether one lasts is read when somebody scrapes, those that are over are counted here. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type HoldCause, type HoldEnd, holdCauses, holdEnds } from '../../leader/hold.ts';
import type { EndedHold, HoldView } from '../../leader/hold-status.ts';

/** Seconds. A hold that was not needed is over with the next linearizable read, an election within 2 s. */
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8];

export class HoldMetrics {
  readonly #holds: Counter;
  readonly #duration: Histogram;

  constructor(registry: Registry, view: () => HoldView) {
    const registers = [registry];
    new Gauge({
      registers,
      name: 'etcd_lb_holding',
      help: '1 while what clients send is held because the leader is lost, or is being moved, else 0.',
      collect() {
        this.set(view().current === undefined ? 0 : 1);
      },
    });
    this.#holds = new Counter({
      registers,
      name: 'etcd_lb_holds_total',
      help: 'Times that what clients send was held, by cause: gone (the leader cut or refused a connection), unresponsive (it did not answer while others did) or planned (an operator moved it); and by end: confirmed (a linearizable read succeeded), elected (a later leader was found), expired (--hold was over) or cancelled.',
      labelNames: ['cause', 'end'],
    });
    this.#duration = new Histogram({
      registers,
      name: 'etcd_lb_hold_duration_seconds',
      help: 'How long what clients send was held, recorded when a hold ends.',
      buckets: durationBuckets,
    });
    for (const cause of holdCauses) {
      for (const end of holdEnds) if (canEnd(cause, end)) this.#holds.inc({ cause, end }, 0);
    }
  }

  ended({ cause, end, duration }: EndedHold): void {
    this.#holds.inc({ cause, end });
    this.#duration.observe(duration / 1_000);
  }
}

/** The leader that is about to be moved answers reads until it is: they end no planned hold. */
function canEnd(cause: HoldCause, end: HoldEnd): boolean {
  return cause !== 'planned' || end !== 'confirmed';
}
