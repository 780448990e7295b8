/**
 * `etcd-lb check`: what is wrong with the cluster, and with the balancer in front of it, before
 * anything runs. Exit codes: 0 nothing worse than a note, 1 a warning, 2 an error.
 */
import { exposedSecrets } from '../certificates/certificates.ts';
import { type Flags, loadSettings } from '../config/load.ts';
import { documentOf, type Format } from './flags/output.ts';

/** For a pipe, which has no width; characters. */
const usualWidth = 100;

/** Prints the findings and ends the process. Throws `ConfigError` before any member is asked. */
export async function check(flags: Flags, format: Format): Promise<never> {
  const { settings, explain } = loadSettings({ flags, env: process.env });
  // Loaded only now: a wrong setting is reported without waiting for the rest of the program.
  const { gather } = await import('../diagnose/probes/gather.ts');
  const { examine } = await import('../diagnose/examine.ts');
  const { savedCluster } = await import('../etcd/known-cluster.ts');
  const { reportOf, tableOf } = await import('../diagnose/report.ts');
  const observations = await gather(settings).catch((error: unknown) => {
    throw explain(error);
  });
  const { stateDir } = settings;
  const served = stateDir === undefined ? undefined : savedCluster(stateDir);
  const exposed = exposedSecrets(settings);
  const findings = examine(observations, settings, exposed, Date.now(), served);
  const report = reportOf(findings);
  const text =
    format === 'table'
      ? tableOf(findings, observations.length, process.stdout.columns ?? usualWidth)
      : await documentOf(report, format);
  await new Promise((resolve) => process.stdout.write(text, resolve));
  // A look-up that hangs in the system cannot be ended, and would keep the process alive.
  process.exit(report.exitCode);
}
