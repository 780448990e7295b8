import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SnapshotVerifier } from '../../../src/snapshot/file/verifier.ts';
import { SnapshotMessages } from '../../../src/snapshot/messages.ts';
import { cut, database, message, messagesOf } from './encoded.ts';

/** Throws what the verifier finds wrong. */
function verify(pieces: readonly Buffer[]): SnapshotVerifier {
  const verifier = new SnapshotVerifier();
  const messages = new SnapshotMessages({
    blob: (piece) => verifier.take(piece),
    remaining: (bytes) => verifier.remaining(bytes),
    end: () => verifier.endMessage(),
  });
  for (const piece of pieces) messages.take(piece);
  verifier.verify();
  if (!messages.isComplete) throw new Error('the member broke off within a message');
  return verifier;
}

test('a whole snapshot is accepted, however it is sent and cut', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 20_000 }),
      fc.boolean(),
      fc.array(fc.nat(100_000)),
      (size, isRich, places) => {
        const verifier = verify(cut(messagesOf(database(), size, isRich), places));
        expect(verifier.size).toBe(4 * 4_096);
        expect(verifier.received).toBe(4 * 4_096 + 32);
      },
    ),
    { numRuns: 50 },
  );
});

test('a snapshot with one bit changed anywhere in it is refused', () => {
  const whole = messagesOf(database(), 32_768);
  // Behind the frame and the tag and length of the blob; the whole database is one message.
  const begins = whole.indexOf(database().subarray(0, 32));
  fc.assert(
    fc.property(
      fc.integer({ min: begins, max: whole.length - 1 }),
      fc.integer({ min: 0, max: 7 }),
      (at, bit) => {
        const damaged = Buffer.from(whole);
        damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at);
        expect(() => verify([damaged])).toThrow(/./);
      },
    ),
  );
});

test.each([
  [
    'one that ends early',
    messagesOf(database(), 1_000).subarray(0, 8_000),
    /it ended after \d+ of 16416 bytes/,
  ],
  ['an empty one', Buffer.alloc(0), 'it ended after 0 of 32 bytes'],
  [
    'one with more behind it',
    Buffer.concat([messagesOf(database(), 1_000), message(0, Buffer.from('x'))]),
    'longer than the member announced',
  ],
  [
    'something else than a database',
    messagesOf(Buffer.alloc(8_192, 1), 1_000),
    'it is not a bbolt database',
  ],
  [
    'half a page',
    messagesOf(database().subarray(0, 6_000), 1_000),
    '6000 bytes are not whole pages',
  ],
] as const)('%s is refused', (_, bytes, why) => {
  expect(() => verify([bytes])).toThrow(why);
});
