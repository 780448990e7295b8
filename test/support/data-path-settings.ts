/** Settings of a data path as tests need them: whatever matters there, and the rest out of the way. */
import { LiveSettings } from '../../src/config/live-settings.ts';
import type { DataPathOptions } from '../../src/proxy/data-path.ts';

type Current = DataPathOptions['settings']['current'];

/** Calls are not followed, races are not begun, and there is room, unless said otherwise. */
export function dataPathSettings(given: Partial<Current> = {}): LiveSettings<Current> {
  return new LiveSettings({
    ...{ dialTimeout: 10_000, dialRaceAfter: 5_000, keepalive: 0 },
    ...{ maxConnections: 100, maxSourceShare: 100, followCalls: false },
    ...given,
  });
}
