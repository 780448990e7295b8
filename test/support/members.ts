/** Members as tests need them: a name, and whatever matters there. */
import { LiveSettings } from '../../src/config/live-settings.ts';
import type { CheckSettings } from '../../src/health/monitor.ts';
import type { CheckResult } from '../../src/health/state/check-result.ts';
import { Member } from '../../src/members/member.ts';

/** On loopback and port 2379 unless said otherwise. */
export function aMember(
  name: string,
  { host = '127.0.0.1', port = 2379, ...rest }: Partial<Member> = {},
): Member {
  return Object.assign(new Member({ name, scheme: 'http', host, port }), rest);
}

/** A check of it has finished just now; `at` is what people are shown. */
export function note(member: Member, check: CheckResult & { readonly at: number }): void {
  member.checks = [...member.checks, { ...check, finishedAt: performance.now() }];
}

/** How members are checked: slowly, and marked failed at once, unless said otherwise. */
export function checkSettings(given: Partial<CheckSettings> = {}): LiveSettings<CheckSettings> {
  return new LiveSettings({
    ...{ checkRise: 1, checkFall: 1, checkTimeout: 1_000 },
    ...{ checkInterval: 60_000, checkFastInterval: 250 },
    ...given,
  });
}
