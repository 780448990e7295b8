import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SnapshotMessages } from '../../../src/snapshot/messages.ts';
import { cut, message, messagesOf } from './encoded.ts';

function read(pieces: readonly Buffer[]) {
  const blobs: Buffer[] = [];
  const remaining: number[] = [];
  let ends = 0;
  const messages = new SnapshotMessages({
    blob: (piece) => blobs.push(Buffer.from(piece)),
    remaining: (bytes) => remaining.push(bytes),
    end: () => {
      ends += 1;
    },
  });
  for (const piece of pieces) messages.take(piece);
  return { bytes: Buffer.concat(blobs), remaining, ends, isComplete: messages.isComplete };
}

test('what is sent arrives, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 3_000 }),
      fc.integer({ min: 1, max: 700 }),
      fc.boolean(),
      fc.array(fc.nat(10_000)),
      (content, size, isRich, places) => {
        const bytes = Buffer.from(content);
        const whole = messagesOf(bytes, size, isRich);
        const found = read(cut(whole, places));
        expect(found.bytes.subarray(0, bytes.length)).toEqual(bytes);
        expect(found.bytes).toHaveLength(bytes.length + 32);
        expect(found.ends).toBe(Math.ceil(bytes.length / size) + 1);
        expect(found.remaining[0] ?? 0).toBe(Math.max(0, bytes.length - size));
        expect(found.isComplete).toBe(true);
      },
    ),
  );
});

test('a message that is cut off is not complete', () => {
  const whole = message(1, Buffer.from('abc'));
  for (let end = 1; end < whole.length; end += 1) {
    expect(read([whole.subarray(0, end)]).isComplete, `${end}`).toBe(false);
  }
});

test('a size beyond 32 bits is read', () => {
  expect(read([message(8_589_934_592, Buffer.from('a'))]).remaining).toEqual([8_589_934_592]);
});

test.each([
  ['a compressed message', '0100000000', 'a message is compressed'],
  ['a message without end', '00ffffffff', 'a message is too long'],
  ['a field longer than its message', '00000000021a7f', 'a field is longer than its message'],
  ['a field of another type', '00000000010d', 'a field has an unknown type'],
  ['a number without end', '000000000c10ffffffffffffffffffff01', 'a number is too long'],
  ['a message that ends within a field', '000000000110ff', 'a message ends within a field'],
])('%s is refused', (_, hex, why) => {
  expect(() => read([Buffer.from(hex, 'hex')])).toThrow(why);
});

test('nothing that arrives makes it run on or throw anything but a clause', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
      try {
        read([Buffer.from(bytes)]);
      } catch (error) {
        expect((error as Error).message).toMatch(/^(a|a message|a field|a number|a size) /);
      }
    }),
  );
});
