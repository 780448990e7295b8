/** When checks are made, on a clock that the tests move. Jitter is off unless it is the subject. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LiveSettings } from '../../../src/config/live-settings.ts';
import { ProbeScheduler } from '../../../src/health/scheduler.ts';
import type { CheckResult } from '../../../src/health/state/check-result.ts';

const schedule = new LiveSettings({ checkInterval: 2000, checkFastInterval: 250 });
const passed: CheckResult = { ok: true, duration: 1 };

/** Plays the member: notes when checks start and answers when told to, or after `latency`. */
class Subject {
  readonly startedAt: number[] = [];
  readonly stop = new AbortController();
  readonly checks: ProbeScheduler;
  reports = 0;
  well: boolean;

  constructor({ well = true, latency = 0, random = (): number => 0.5 } = {}) {
    this.well = well;
    const member = {
      probe: () => {
        this.startedAt.push(performance.now());
        return new Promise<CheckResult>((resolve) =>
          latency === 0 ? resolve(passed) : setTimeout(() => resolve(passed), latency),
        );
      },
      report: () => {
        this.reports += 1;
      },
      isWell: () => this.well,
    };
    this.checks = new ProbeScheduler(member, schedule, this.stop.signal, random);
  }
}

let subject: Subject;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});

afterEach(() => {
  subject.stop.abort();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('the first check is made at once, then one every interval while the member is well', async () => {
  subject = new Subject();
  expect(subject.startedAt).toEqual([0]);
  await pass(6000);
  expect(subject.startedAt).toEqual([0, 2000, 4000, 6000]);
  expect(subject.reports).toBe(4);
});

test('a member that is not well is checked every fast interval', async () => {
  subject = new Subject({ well: false });
  await pass(1000);
  expect(subject.startedAt).toEqual([0, 250, 500, 750, 1000]);
});

test('intervals are between starts: a slow check does not delay the next', async () => {
  subject = new Subject({ well: false, latency: 200 });
  await pass(1000);
  expect(subject.startedAt).toEqual([0, 250, 500, 750, 1000]);
});

test('a check that waits for its answer is a doubt: the next does not wait for it', async () => {
  subject = new Subject({ latency: 700 });
  await pass(600);
  expect(subject.startedAt).toEqual([0, 250, 500]);
});

test('an answer to an older question than the last one answered is not reported', async () => {
  const answers: ((result: CheckResult) => void)[] = [];
  const reported: CheckResult[] = [];
  const stop = new AbortController();
  new ProbeScheduler(
    {
      probe: () => new Promise((resolve) => answers.push(resolve)),
      report: (result) => reported.push(result),
      isWell: () => false,
    },
    schedule,
    stop.signal,
    () => 0.5,
  );
  await pass(300);
  const [older, newer] = answers;
  const late: CheckResult = { ok: false, duration: 1, failure: { reason: 'timeout', detail: '' } };
  const early: CheckResult = { ok: true, duration: 1 };
  newer?.(early);
  await pass(0);
  older?.(late);
  await pass(0);
  stop.abort();
  expect(reported).toEqual([early]);
});

test('answers that a hung member gives all at once are one pass', async () => {
  const answers: ((result: CheckResult) => void)[] = [];
  const reported: CheckResult[] = [];
  const stop = new AbortController();
  new ProbeScheduler(
    {
      probe: () => new Promise((resolve) => answers.push(resolve)),
      report: (result) => reported.push(result),
      isWell: () => false,
    },
    schedule,
    stop.signal,
    () => 0.5,
  );
  await pass(600);
  for (const answer of answers) answer({ ok: true, duration: 1 });
  await pass(0);
  expect([answers.length, reported.length]).toEqual([3, 1]);
  await pass(250);
  answers.at(-1)?.({ ok: true, duration: 1 });
  await pass(0);
  stop.abort();
  expect(reported).toHaveLength(2);
});

describe('probeSoon', () => {
  test('brings a check at once when the last one started more than a fast interval ago', async () => {
    subject = new Subject();
    await pass(1000);
    subject.checks.probeSoon();
    await pass(0);
    expect(subject.startedAt).toEqual([0, 1000]);
  });

  test('waits for the rest of the fast interval when a check started just before', async () => {
    subject = new Subject();
    await pass(100);
    subject.checks.probeSoon();
    await pass(1000);
    expect(subject.startedAt).toEqual([0, 250]);
  });

  test('counts once, though asked a thousand times', async () => {
    subject = new Subject();
    await pass(1000);
    for (let n = 0; n < 1000; n += 1) subject.checks.probeSoon();
    await pass(999);
    expect(subject.startedAt).toEqual([0, 1000]);
    expect(vi.getTimerCount()).toBe(1);
  });

  test('is not put off by being asked again and again', async () => {
    subject = new Subject();
    await pass(100);
    for (let n = 0; n < 20; n += 1) {
      subject.checks.probeSoon();
      await pass(10);
    }
    expect(subject.startedAt).toEqual([0, 250]);
  });

  test('during a check lets it finish and has another follow a fast interval after its start', async () => {
    subject = new Subject({ latency: 100 });
    await pass(50);
    for (let n = 0; n < 1000; n += 1) subject.checks.probeSoon();
    await pass(1000);
    expect(subject.startedAt).toEqual([0, 250]);
    await pass(1500);
    expect(subject.startedAt).toEqual([0, 250, 2000]);
  });

  test('during a long check starts another beside it, a fast interval later', async () => {
    subject = new Subject({ latency: 700 });
    await pass(100);
    subject.checks.probeSoon();
    await pass(149);
    expect(subject.startedAt).toEqual([0]);
    await pass(1);
    expect(subject.startedAt).toEqual([0, 250]);
  });

  test('does nothing once stopped', async () => {
    subject = new Subject();
    await pass(1000);
    subject.stop.abort();
    subject.checks.probeSoon();
    expect(vi.getTimerCount()).toBe(0);
    await pass(5000);
    expect(subject.startedAt).toEqual([0]);
  });
});

test.each([
  [0, 225],
  [0.5, 250],
  [1, 275],
])('jitter: a random number of %d makes the fast interval %d', async (random, interval) => {
  subject = new Subject({ well: false, random: () => random });
  await pass(interval - 1);
  expect(subject.startedAt).toHaveLength(1);
  await pass(1);
  expect(subject.startedAt).toHaveLength(2);
});

test('members that are well are checked in step, whenever they were checked before', async () => {
  subject = new Subject();
  await pass(700);
  subject.checks.probeNow();
  await pass(5_000);
  expect(subject.startedAt).toEqual([0, 700, 2000, 4000]);
});

describe('abort', () => {
  test('while waiting leaves no timer', async () => {
    subject = new Subject();
    await pass(100);
    expect(vi.getTimerCount()).toBe(1);
    subject.stop.abort();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('during a check leaves no timer, and the result is not reported', async () => {
    subject = new Subject({ latency: 100 });
    await pass(2050);
    const { reports } = subject;
    subject.stop.abort();
    await pass(5000);
    expect(subject.reports).toBe(reports);
    expect(subject.startedAt).toEqual([0, 2000]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('from within the report of a check leaves no timer', async () => {
    const stop = new AbortController();
    const member = {
      probe: () => Promise.resolve(passed),
      report: () => stop.abort(),
      isWell: () => true,
    };
    new ProbeScheduler(member, schedule, stop.signal);
    await pass(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('before the start prevents even the first check', async () => {
    let checks = 0;
    const member = {
      probe: () => {
        checks += 1;
        return Promise.resolve(passed);
      },
      report: () => {},
      isWell: () => true,
    };
    new ProbeScheduler(member, schedule, AbortSignal.abort()).probeSoon();
    await pass(5000);
    expect(checks).toBe(0);
  });
});
