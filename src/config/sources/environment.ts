/**
 * Settings from `ETCD_LB_…` variables. An empty variable counts as not set, as in etcd: `VAR=$OTHER`
 * leaves such a one in a manifest.
 */
import { ConfigError } from '../../lib/setting-error.ts';
import { nearest } from '../nearest.ts';
import { envName, options } from '../options.ts';
import type { Given, Source } from '../values/origin.ts';

/**
 * What Kubernetes puts into every pod of a namespace with a Service called `etcd-lb` or
 * `etcd-lb-something`: ETCD_LB_SERVICE_HOST, ETCD_LB_PORT_2379_TCP_ADDR and so on. None of it is a
 * setting, and an error would keep the sidecar from starting.
 */
const serviceLink = /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?$/;

/** Throws `ConfigError` for an `ETCD_LB_…` variable that is not a setting. */
export function readEnvironment(env: NodeJS.ProcessEnv): Source {
  const names = new Map(options.map(({ name }) => [envName(name), name]));
  const source = new Map<string, Given>();
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('ETCD_LB_')) continue;
    const name = names.get(variable);
    if (name === undefined && serviceLink.test(variable)) continue;
    if (name === undefined) {
      const meant = nearest(variable, names.keys());
      const advice = meant === undefined ? 'unset it.' : `did you mean ${meant}?`;
      throw new ConfigError(`${variable} is not a setting; ${advice}`);
    }
    if (value) source.set(name, { value, origin: { from: 'env', detail: variable } });
  }
  return source;
}
