import { describe, expect, test } from 'vitest';
import { parseOwner } from '../../../../src/config/values/owner.ts';

describe('socket owners', () => {
  test.each([
    ['1000:1001', { uid: 1000, gid: 1001 }],
    ['1000', { uid: 1000, gid: -1 }],
    ['1000:', { uid: 1000, gid: -1 }],
    [':1001', { uid: -1, gid: 1001 }],
    ['root', { uid: 0, gid: -1 }],
    ['root:0', { uid: 0, gid: 0 }],
  ])('%s', (text, owner) => {
    expect(parseOwner(text)).toEqual(owner);
  });

  test.each([
    ['no-such', 'user "no-such" is not in /etc/passwd; write one that is, or its number'],
    ['0:no-such', 'group "no-such" is not in /etc/group; write one that is, or its number'],
    [':', '":" is not an owner; write user:group, user or :group'],
    ['1:2:3', '"1:2:3" is not an owner'],
  ])('refuse %s', (text, reason) => {
    expect(() => parseOwner(text)).toThrow(reason);
  });
});
