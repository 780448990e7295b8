/**
 * Metrics of the process and of Node, from prom-client, without those that walk all handles or
 * descriptors: with 6,000 sessions they blocked the relay for 60 ms at each scrape. Nor the lag of the event
 * loop, which holds the period of its own timer: housekeeping measures it without one (metrics.ts).
 */
import { readdirSync, statSync } from 'node:fs';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** ms, the longest that a timer can have: prom-client's own timer must not wake an idle process. */
const never = 2 ** 31 - 1;

const unwanted = /^nodejs_(eventloop_lag|active)_/;

const descriptors = '/proc/self/fd';

/** Adds them to the registry. */
export function addRuntimeMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: never });
  for (const { name } of registry.getMetricsAsArray()) {
    if (unwanted.test(name)) registry.removeSingleMetric(name);
  }
  if (registry.getSingleMetric('process_open_fds') === undefined) return;
  registry.removeSingleMetric('process_open_fds');
  new Gauge({
    registers: [registry],
    name: 'process_open_fds',
    help: 'Number of open file descriptors.',
    collect() {
      this.set(openDescriptors());
    },
  });
}

/** Since Linux 6.2 the size of the folder is their number. Before, they must be listed. */
function openDescriptors(): number {
  return statSync(descriptors).size || readdirSync(descriptors).length - 1;
}
