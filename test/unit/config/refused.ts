/** What `etcd-lb` would print for these flags and this environment; fails if it accepts them. */

import { loadSettings } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/lib/setting-error.ts';

export function refused(
  flags: Readonly<Record<string, string | readonly string[] | undefined>>,
  env: NodeJS.ProcessEnv = {},
): string {
  try {
    loadSettings({ flags, env });
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('accepted');
}
