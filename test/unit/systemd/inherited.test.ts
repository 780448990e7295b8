/** Which variables are ours, what they name, and that nobody inherits them again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../src/lib/setting-error.ts';
import { noneInherited, pathOf, takeInherited } from '../../../src/systemd/inherited.ts';
import { HeldSocket } from '../../support/listening-socket.ts';

const pid = 4711;

function variables(count: string, names?: string): NodeJS.ProcessEnv {
  return {
    HOME: '/root',
    LISTEN_PID: String(pid),
    LISTEN_FDS: count,
    ...(names !== undefined && { LISTEN_FDNAMES: names }),
  };
}

function complaint(env: NodeJS.ProcessEnv): string {
  try {
    takeInherited(env, pid);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  return 'accepted';
}

describe('takeInherited', () => {
  test.each([
    { what: 'without the variables', env: { HOME: '/root' } },
    { what: 'for another process', env: { ...variables('2'), LISTEN_PID: '1' } },
    { what: 'without a process', env: { HOME: '/root', LISTEN_FDS: '2' } },
    { what: 'with none', env: variables('0') },
  ])('takes nothing $what, and leaves nothing to children', ({ env }) => {
    expect(takeInherited(env, pid)).toEqual(noneInherited);
    expect(env).toEqual({ HOME: '/root' });
  });

  test.each(['x', '-1', '1.5', ''])('refuses %j sockets', (count) => {
    expect(complaint(variables(count))).toMatch(
      /^LISTEN_FDS: ".*" is not a number of sockets; .*\.$/,
    );
  });

  test('refuses what is no open socket', () => {
    expect(complaint(variables('5000'))).toMatch(
      /^LISTEN_FDS: descriptor \d+ is not (open|a socket); /,
    );
  });
});

test('pathOf tells where a Unix socket is bound, spaces and all', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb path '));
  const path = join(folder, 'etcd.sock');
  {
    using socket = HeldSocket.listening(path);
    expect(pathOf(socket.descriptor)).toBe(path);
  }
  await rm(folder, { recursive: true });
  expect(pathOf(4_000)).toBe('/proc/self/fd/4000');
});
