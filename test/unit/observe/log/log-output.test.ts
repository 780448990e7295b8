/** The descriptor under the log: full, slow, closed at its other end, and well again. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { LogOutput, type LogTrouble } from '../../../../src/observe/log/log-output.ts';
import { folderWith } from '../../config/folder.ts';

/** An output on a descriptor, and what it tells. */
function outputOn(descriptor: number) {
  const output = new LogOutput(descriptor);
  const told: LogTrouble[] = [];
  const waiting: { kind: LogTrouble['kind']; resolve: () => void }[] = [];
  output.onTrouble((trouble) => {
    told.push(trouble);
    for (const { kind, resolve } of waiting) if (kind === trouble.kind) resolve();
  });
  const until = (kind: LogTrouble['kind']): Promise<void> =>
    new Promise((resolve) => {
      if (told.some((each) => each.kind === kind)) resolve();
      waiting.push({ kind, resolve });
    });
  return { output, told, until };
}

/** How many bytes there were to read, up to 16. */
function tryRead(reader: number): number {
  try {
    return readSync(reader, Buffer.alloc(16));
  } catch {
    return 0; // none at the moment
  }
}

/** The two ends of a named pipe. */
function openPipe() {
  const path = join(folderWith({}), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(writer));
  return { reader, writer };
}

/** Has `descriptor` lead to the file at `path` from now on, as a disk that has room again. */
function replace(descriptor: number, path: string): void {
  closeSync(descriptor);
  const others: number[] = [];
  // The system gives the lowest that is free.
  for (let opened = -1; opened !== descriptor; ) {
    opened = openSync(path, 'a');
    if (opened !== descriptor) others.push(opened);
  }
  for (const other of others) closeSync(other);
}

test('a full disk loses lines and counts them, and lines are written as soon as there is room', async () => {
  const path = join(folderWith({ log: '' }), 'log');
  const descriptor = openSync('/dev/full', 'w');
  onTestFinished(() => closeSync(descriptor));
  const { output, told, until } = outputOn(descriptor);
  output.write('first\n');
  output.write('second\n');
  await until('log-failing');
  expect(told).toEqual([{ kind: 'log-failing', why: 'no space left on device' }]);
  expect(output.lost).toBe(2);

  replace(descriptor, path);
  output.write('third\n');
  await until('log-back');
  expect(told[1]).toEqual({ kind: 'log-back', why: 'no space left on device', lines: 2 });
  await output.close();
  expect(readFileSync(path, 'utf8')).toBe('third\n');
});

test('a line that an error has cut is not continued by the next', async () => {
  const path = join(folderWith({ log: '' }), 'log');
  const { reader, writer } = openPipe();
  const { output, until } = outputOn(writer);
  output.write('short\n');
  output.write(`${'x'.repeat(1_000_000)}\n`); // more than a pipe takes
  for (let read = 0; read < 16; read += tryRead(reader)) await setImmediate(); // both have begun
  closeSync(reader);
  await until('log-failing');
  expect(output.lost).toBe(1);

  replace(writer, path);
  output.write('next\n');
  await until('log-back');
  expect(readFileSync(path, 'utf8')).toBe('\nnext\n');
});

test('for a reader that takes nothing a few MB wait, what is more is lost, and nobody waits to end', async () => {
  const { reader, writer } = openPipe();
  onTestFinished(() => closeSync(reader));
  const { output, told, until } = outputOn(writer);
  const line = `${'x'.repeat(1023)}\n`;
  for (let number = 0; number < 6 * 1024; number += 1) output.write(line);
  await until('log-failing');
  expect(told).toEqual([{ kind: 'log-failing', why: 'its reader is too slow' }]);
  expect(output.lost).toBe(2 * 1024);
  await output.close();
  output.write(line);
  expect(output.lost).toBeGreaterThan(2 * 1024);
});
