/**
 * How members are checked, by the settings in force: objects that are read when they are needed, so that a
 * reload counts from the next check on.
 */
import type { LiveSettings } from '../config/live-settings.ts';
import type { MonitorOptions } from './monitor.ts';

type LiveChecks = Pick<MonitorOptions, 'rules' | 'schedule' | 'bounds'>;

/** @param settings those in force. */
export function liveChecks(settings: LiveSettings): LiveChecks {
  return {
    rules: {
      get rise() {
        return settings.current.checkRise;
      },
      get fall() {
        return settings.current.checkFall;
      },
    },
    schedule: {
      get interval() {
        return settings.current.checkInterval;
      },
      get fastInterval() {
        return settings.current.checkFastInterval;
      },
    },
    bounds: {
      get timeout() {
        return settings.current.checkTimeout;
      },
      get silentTimeout() {
        return Math.min(settings.current.checkTimeout, settings.current.checkFastInterval);
      },
    },
  };
}
