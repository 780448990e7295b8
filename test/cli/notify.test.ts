/** What the service manager is told, by a real run to a real socket, and by whom. */
import { describe, expect, test } from 'vitest';
import { findSystemdNotify } from '../machine/programs.ts';
import { Balancer } from '../support/balancer.ts';
import { NotifyReceiver } from '../support/notify-receiver.ts';
import { ask, connect, endOf } from './client.ts';
import { EchoMember, flagsOf } from './echo-member.ts';

test.each(['file', 'abstract'] as const)(
  'ready, stopping, and nothing on stderr (%s)',
  async (kind) => {
    await using receiver = await NotifyReceiver.start(kind);
    await using member = await EchoMember.start();
    await using balancer = await Balancer.start(
      [...member.flags, '--drain-timeout', '20s'],
      ['env', `NOTIFY_SOCKET=${receiver.path}`],
    );
    await receiver.received('STATUS=1 of 1 members healthy');
    const client = await connect(balancer.address);
    await ask(client, 'before');
    balancer.signal('SIGTERM');
    await receiver.received('STOPPING=1');
    client.end();
    await endOf(client);
    const { code, stderr } = await balancer.exited;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(receiver.messages.map(({ text }) => text)).toEqual([
      'READY=1\nSTATUS=0 of 1 members healthy; m0 unknown',
      'STATUS=1 of 1 members healthy',
      'STOPPING=1\nEXTEND_TIMEOUT_USEC=25000000\nSTATUS=stopping: sessions may end',
    ]);
    const senders = new Set(receiver.messages.map(({ pid }) => pid));
    expect(senders).toEqual(new Set([balancer.pid]));
  },
);

test('the line of status tells of members that fail, and why', async () => {
  await using receiver = await NotifyReceiver.start();
  await using _balancer = await Balancer.start(flagsOf({ client: 1, health: 1 }), [
    ...['env', `NOTIFY_SOCKET=${receiver.path}`],
  ]);
  await receiver.received(/^STATUS=panic, 0 of 1 members healthy; m0 failed: .*ECONNREFUSED/);
});

describe('the watchdog', () => {
  const watched = async (...variables: string[]) => {
    const receiver = await NotifyReceiver.start();
    const env = [`NOTIFY_SOCKET=${receiver.path}`, 'WATCHDOG_USEC=100000', ...variables];
    return { receiver, prefix: ['env', ...env], flags: flagsOf({ client: 1, health: 1 }) };
  };

  test('is told again and again while the event loop turns', async () => {
    const { receiver, prefix, flags } = await watched();
    await using _receiver = receiver;
    await using balancer = await Balancer.start(flags, prefix);
    const { pid } = await receiver.received('WATCHDOG=1');
    expect(pid).toBe(balancer.pid);
    receiver.messages.splice(0);
    await receiver.received('WATCHDOG=1');
  });

  test('of another process is not fed', async () => {
    const { receiver, prefix, flags } = await watched('WATCHDOG_PID=1');
    await using _receiver = receiver;
    await using balancer = await Balancer.start(flags, prefix);
    await receiver.received(/^STATUS=panic/);
    await balancer.stop();
    expect(receiver.messages.map(({ text }) => text)).not.toContain('WATCHDOG=1');
  });
});

test('a Node that cannot call the C library has systemd-notify send it', async () => {
  const { path: program, env } = await findSystemdNotify();
  await using receiver = await NotifyReceiver.start();
  const variables = { ...env, NOTIFY_SOCKET: receiver.path, PATH: pathTo(program) };
  const given = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  await using balancer = await Balancer.start(flagsOf({ client: 1, health: 1 }), [
    ...['env', ...given, 'NODE_OPTIONS=--no-experimental-ffi'],
  ]);
  await receiver.received('READY=1');
  await receiver.received(/^STATUS=panic/);
  expect(await balancer.stop()).toMatchObject({ code: 0, stderr: '' });
  await receiver.received('STOPPING=1');
});

test('nobody who listens is no reason not to run', async () => {
  await using member = await EchoMember.start();
  await using balancer = await Balancer.start(member.flags, [
    'env',
    'NOTIFY_SOCKET=/nowhere/notify',
  ]);
  await balancer.healthy([member.name]);
  expect(await balancer.stop()).toMatchObject({ code: 0, stderr: '' });
});

function pathTo(program: string): string {
  return `${program.slice(0, program.lastIndexOf('/'))}:${process.env['PATH']}`;
}
