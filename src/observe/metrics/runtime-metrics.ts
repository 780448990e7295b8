/**
 * Metrics of the process and of Node, from prom-client, without those that walk all handles or
 * descriptors: with 6,000 sessions they blocked the relay for 60 ms at each scrape.
 */
import { readdirSync, statSync } from 'node:fs';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** How often the delay of the event loop is measured, ms. Each measurement wakes an idle process. */
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

/** Since Linux 6.2 the size of the folder is their number. Before, they must be listed. */
function openDescriptors(): number {
  return statSync(descriptors).size || readdirSync(descriptors).length - 1;
}
