/**
 * Metrics of the process and of Node, from prom-client, but for those that look at every handle or
 * descriptor there is: with 6,000 sessions they held up the relay for 60 ms at each scrape.
 */
import { readdirSync, statSync } from 'node:fs';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** How often the delay of the event loop is measured, ms: each time wakes an idle process. */
const loopResolution = 250;

const descriptors = '/proc/self/fd';

/** Adds them to the registry. */
export function addRuntimeMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: loopResolution });
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${kind}`);
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
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

/** Linux tells how many there are since 6.2 as the size of the folder, and before only one by one. */
function openDescriptors(): number {
  return statSync(descriptors).size || readdirSync(descriptors).length - 1;
}
