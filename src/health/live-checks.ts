/**
 * How members are checked, by the settings in force: objects that are read when they are needed, so that a
 * reload counts from the next check on.
 */
import type { Settings } from '../config/settings.ts';
import type { MonitorOptions } from './monitor.ts';

type LiveChecks = Pick<MonitorOptions, 'rules' | 'schedule' | 'bounds'>;

/** @param settings those in force. */
export function liveChecks(settings: () => Settings): LiveChecks {
  return {
    rules: {
      get rise() {
        return settings().checkRise;
      },
      get fall() {
        return settings().checkFall;
      },
    },
    schedule: {
      get interval() {
        return settings().checkInterval;
      },
      get fastInterval() {
        return settings().checkFastInterval;
      },
    },
    bounds: {
      get timeout() {
        return settings().checkTimeout;
      },
      get silentTimeout() {
        return Math.min(settings().checkTimeout, settings().checkFastInterval);
      },
    },
  };
}
