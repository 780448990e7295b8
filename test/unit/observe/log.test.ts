/** What is written down: one JSON line an event, in fields that a log store can search. */
import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/observe/events.ts';
import { type LogOptions, openLog } from '../../../src/observe/log.ts';

const change: Event = {
  at: 0,
  level: 'warn',
  kind: 'member-changed',
  message: 'm1: healthy -> suspect: 1 check failed',
  fields: { member: 'm1', from: 'healthy', to: 'suspect', evidence: { failedChecks: 1 } },
};

/** A log that writes into a list of lines. */
async function logAt(level: LogOptions['level']) {
  const lines: string[] = [];
  const log = await openLog({ level, format: 'json' }, { write: (line) => lines.push(line) });
  return { log, lines };
}

describe('an event', () => {
  test('is one line of JSON with its level, time, kind, sentence and fields', async () => {
    const { log, lines } = await logAt('info');
    log.write(change);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      app: 'etcd-lb',
      event: 'member-changed',
      msg: change.message,
      ...change.fields,
    });
  });

  test('with a line break in its words stays on one line', async () => {
    const { log, lines } = await logAt('info');
    log.write({ ...change, message: 'first\nsecond' });
    expect(lines.join('').split('\n')).toHaveLength(2);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'first\nsecond' });
  });

  test('below the level is left out', async () => {
    const { log, lines } = await logAt('warn');
    log.write({ ...change, level: 'info' });
    expect(lines).toEqual([]);
    log.write(change);
    log.write({ ...change, level: 'error' });
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['warn', 'error']);
  });
});

describe('a session', () => {
  const tell = async (level: LogOptions['level']) => {
    const { log, lines } = await logAt(level);
    log.session('session opened', { member: 'm1', failovers: 0 });
    return lines;
  };

  test.each(['info', 'warn', 'error'] as const)('is not written at level %s', async (level) => {
    expect(await tell(level)).toEqual([]);
  });

  test.each(['debug', 'trace'] as const)('is one line at level %s', async (level) => {
    const lines = await tell(level);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'debug',
      msg: 'session opened',
      member: 'm1',
      failovers: 0,
    });
  });
});

test('closing a log that holds nothing back does no harm', async () => {
  const { log, lines } = await logAt('info');
  log.write(change);
  await log.close();
  expect(lines).toHaveLength(1);
});
