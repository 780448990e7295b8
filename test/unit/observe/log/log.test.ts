/** What is written down: one JSON line an event, in fields that a log store can search. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describe as told } from '../../../../src/observe/events/event.ts';
import type { RecordedEvent } from '../../../../src/observe/events/event-log.ts';
import { type Log, type LogOptions, openLog } from '../../../../src/observe/log/log.ts';
import { folderWith } from '../../config/folder.ts';

const change: RecordedEvent = {
  at: 0,
  level: 'warn',
  kind: 'member-changed',
  message: 'm1: healthy -> suspect: 1 check failed',
  fields: { member: 'm1', from: 'healthy', to: 'suspect', evidence: { failedChecks: 1 } },
};

/** The lines that a log holds after `write` has written to it. */
async function linesAt(
  level: LogOptions['level'],
  write: (log: Log) => void,
  format: LogOptions['format'] = 'json',
): Promise<string[]> {
  const path = join(folderWith({ log: '' }), 'log');
  const descriptor = openSync(path, 'a');
  const log = await openLog({ level, format }, descriptor);
  write(log);
  await log.close();
  closeSync(descriptor);
  expect(log.lost()).toBe(0);
  return readFileSync(path, 'utf8').split(/(?<=\n)/);
}

describe('an event', () => {
  test('is one line of JSON with its level, time, kind, sentence and fields', async () => {
    const lines = await linesAt('info', (log) => log.write(change));
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
    const lines = await linesAt('info', (log) =>
      log.write({ ...change, message: 'first\nsecond' }),
    );
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'first\nsecond' });
  });

  test('below the level is left out', async () => {
    const lines = await linesAt('warn', (log) => {
      log.write({ ...change, level: 'info' });
      log.write(change);
      log.write({ ...change, level: 'error' });
    });
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['warn', 'error']);
  });
});

describe('a session', () => {
  const tell = (level: LogOptions['level']) =>
    linesAt(level, (log) => log.session('session opened', { member: 'm1', failovers: 0 }));

  test.each(['info', 'warn', 'error'] as const)('is not written at level %s', async (level) => {
    expect(await tell(level)).toEqual(['']);
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

test('the readable log is one line of the same, and shows the stack of an unexpected error', async () => {
  const error = new TypeError('no such thing');
  const lines = await linesAt(
    'info',
    (log) => {
      log.write(change);
      const { name, message, stack } = error;
      const kind = 'unexpected-error';
      log.write({ at: 0, kind, ...told({ kind, name, message, stack }) });
    },
    'pretty',
  );
  expect(lines[0]).toMatch(/WARN.*m1: healthy -> suspect: 1 check failed.*\n$/);
  expect(lines[1]).toMatch(/unexpected error, the balancer goes on: TypeError: no such thing/);
  expect(lines.slice(2).join('')).toContain('log.test.ts');
});
