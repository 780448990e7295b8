/** Text from outside, and what of it reaches a terminal. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { statusOf } from '../../../../src/etcd/status/member-status.ts';
import { classify } from '../../../../src/lib/net/failure.ts';
import { safeText } from '../../../../src/lib/text/safe-text.ts';
import { findSrvMembers } from '../../../../src/members/discovery/srv.ts';

/** C0, DEL and C1: what ECMA-48 has a terminal obey; and characters that reorder or end what is read. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const obeyed = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

/** Any text, with more of those than chance would bring. */
const text = fc.string({
  unit: fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.integer({ min: 0, max: 0x9f }).map((code) => String.fromCharCode(code)),
    fc.constantFrom('\u001b[2J', '\u001b]0;title\u0007', '\u009b31m', '\u202e', '\ud800', '\r\n'),
  ),
});

test('nothing of any text is obeyed by a terminal, and it is one line', () => {
  fc.assert(
    fc.property(text, (foreign) => {
      const safe = safeText(foreign);
      expect(safe).not.toMatch(obeyed);
      expect(safe.isWellFormed()).toBe(true);
      expect(safe.length).toBeLessThanOrEqual(foreign.length);
      expect(safeText(safe)).toBe(safe);
    }),
  );
});

test('what people write stays as it is', () => {
  for (const words of ['answered 503: {"health":"false"}', 'étcd ✓ 你好 🙂']) {
    expect(safeText(words)).toBe(words);
  }
  expect(safeText(' first\n\tsecond ')).toBe('first second');
  expect(safeText('\u001b[31mred')).toBe('\ufffd[31mred');
});

describe('every way in', () => {
  test('words of an error', () => {
    fc.assert(
      fc.property(text, (foreign) => {
        expect(classify(new Error(foreign)).detail).not.toMatch(obeyed);
      }),
    );
  });

  test('what a member says of itself and others', () => {
    fc.assert(
      fc.property(text, (foreign) => {
        const header = { cluster_id: '1', member_id: '2', revision: '3', raft_term: '4' };
        const status = {
          ...{ header, version: foreign, leader: '2', raftIndex: '1', raftTerm: '4' },
          ...{ raftAppliedIndex: '1', dbSize: '1', dbSizeInUse: '1', isLearner: false },
          errors: [foreign],
        };
        const member = { ID: '2', name: foreign, peerURLs: [], clientURLs: [foreign] };
        const facts = statusOf(status, [{ ...member, isLearner: false }], { at: 0, duration: 0 });
        for (const words of strings(facts)) expect(words).not.toMatch(obeyed);
      }),
    );
  });

  test('SRV records', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (name) => {
        const records = [{ name, port: 2379, priority: 0, weight: 0 }];
        const places = await findSrvMembers('a', ['http'], async () => records).catch(strings);
        for (const words of strings(places)) expect(words).not.toMatch(obeyed);
      }),
    );
  });
});

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}
