/**
 * From the first moment to the exit code: starting without etcd, draining, being told twice, and
 * clients that no member takes.
 */
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { freePorts } from '../../src/demo/free-ports.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import { ask, connect, dial, endOf, isOpen } from './client.ts';
import { EchoMember, flagsOf, question } from './echo-member.ts';

const signals = ['SIGTERM', 'SIGINT'] as const;

describe('start-up', () => {
  test('does not wait for etcd, says why it is not ready, and is when a member comes', async () => {
    const [client = 0, health = 0] = await freePorts(2);
    await using balancer = await Balancer.start(flagsOf({ client, health }));
    expect(await isOpen(balancer.address)).toBe(true);
    expect(await get(balancer, '/livez')).toMatchObject({ code: 200, text: 'ok\n' });

    await balancer.logged(({ event, to }) => event === 'mode-changed' && to === 'panic');
    expect(await get(balancer, '/readyz')).toMatchObject({
      code: 503,
      text: 'no member is healthy\n',
    });
    const { code, text } = await get(balancer, '/readyz?verbose');
    expect(code).toBe(503);
    expect(JSON.parse(text)).toMatchObject({
      ready: false,
      reason: 'no member is healthy',
      mode: 'panic',
      members: [{ name: 'm0', evidence: { reason: 'refused' } }],
    });

    await using _member = await EchoMember.start({ client, health });
    await balancer.reached('m0', 'healthy');
    expect(await get(balancer, '/readyz')).toMatchObject({ code: 200, text: 'ok\n' });
    const verbose = await get(balancer, '/readyz?verbose');
    expect(JSON.parse(verbose.text)).toMatchObject({
      ready: true,
      mode: 'normal',
      members: [{ name: 'm0', state: 'healthy' }],
    });
    const socket = await connect(balancer.address);
    expect(await ask(socket, 'hello')).toBe('hello');
    socket.destroy();
  });

  test('clients that no member takes are reset, counted, and told of in one line', async () => {
    const [first, second] = await freePorts(2);
    const endpoints = `http://127.0.0.1:${first},http://127.0.0.1:${second}`;
    await using balancer = await Balancer.start(['--endpoints', endpoints]);
    const clients = Array.from({ length: 5 }, () => endOf(dial(balancer.address)));
    expect(await Promise.all(clients)).toEqual(Array(5).fill('ECONNRESET'));
    const rejected = 'etcd_lb_rejected_clients_total{reason="no-member"}';
    expect(await balancer.metric(rejected)).toBe(5);
    expect(await balancer.metric('etcd_lb_panic')).toBe(1);

    expect(await balancer.stop()).toEqual({ code: 0, signal: null, stderr: '' });
    const told = balancer.log.filter(({ event }) => event === 'clients-rejected');
    expect(told).toMatchObject([{ level: 'warn', reason: 'no-member', clients: 1 }]);
  });
});

test('a client that says nothing is closed after --first-byte-timeout, counted and told of', async () => {
  await using member = await EchoMember.start();
  await using balancer = await Balancer.start([...member.flags, '--first-byte-timeout', '300ms']);
  const [silent, other] = [await connect(balancer.address), await connect(balancer.address)];
  expect(await ask(other, 'hello')).toBe('hello');
  expect(await endOf(silent)).toBe('closed');
  expect(await ask(other, 'still here')).toBe('still here');
  expect(await balancer.metric('etcd_lb_rejected_clients_total{reason="silent"}')).toBe(1);
  expect(await balancer.metric('etcd_lb_sessions_closed_total{member="m0",reason="silent"}')).toBe(
    1,
  );
  await balancer.logged(({ event, reason }) => event === 'clients-rejected' && reason === 'silent');
  other.destroy();
});

describe.each(signals)('%s', (signal) => {
  test('refuses new clients, lets sessions go once they have their answers, and exits with 0', async () => {
    await using member = await EchoMember.start();
    await using balancer = await Balancer.start([...member.flags, '--drain-timeout', '1m']);
    await balancer.healthy([member.name]);
    const [first, second] = [await connect(balancer.address), await connect(balancer.address)];
    await Promise.all([ask(first, 'before'), ask(second, 'before')]);
    member.pause();
    const answers = [ask(first, question), ask(second, question)];

    balancer.signal(signal);
    expect(await balancer.logged(({ event }) => event === 'stopping')).toMatchObject({
      sessions: 2,
      drainTimeout: '1m',
    });
    expect(await isOpen(balancer.address)).toBe(false);
    expect(await get(balancer, '/readyz')).toMatchObject({ code: 503, text: 'stopping\n' });
    expect(await get(balancer, '/livez')).toMatchObject({ code: 200 });
    expect(await balancer.status()).toMatchObject({ stopping: true, sessions: 2 });

    member.resume();
    expect(await Promise.all(answers)).toEqual([question, question]);
    // The first leaves by itself, the other is let go when it has rested.
    first.end();
    expect(await Promise.all([endOf(first), endOf(second)])).toEqual(['closed', 'closed']);
    expect(await balancer.exited).toEqual({ code: 0, signal: null, stderr: '' });
    expect(balancer.log.at(-1)).toMatchObject({ event: 'stopped', cut: 0 });
  });

  test('closes sessions that outlast --drain-timeout, and exits with 0', async () => {
    await using member = await EchoMember.start();
    await using balancer = await Balancer.start([...member.flags, '--drain-timeout', '50ms']);
    const socket = await connect(balancer.address);
    await ask(socket, 'before');
    balancer.signal(signal);
    expect(await endOf(socket)).toBe('closed');
    expect(await balancer.exited).toEqual({ code: 0, signal: null, stderr: '' });
    expect(balancer.log.at(-1)).toMatchObject({ event: 'stopped', cut: 1 });
  });

  test.each(signals)('and then %s ends it at once with 128 and the number', async (next) => {
    await using member = await EchoMember.start();
    await using balancer = await Balancer.start([...member.flags, '--drain-timeout', '1h']);
    const socket = await connect(balancer.address);
    await ask(socket, 'before');
    const end = endOf(socket);
    balancer.signal(signal);
    await balancer.logged(({ event }) => event === 'stopping');
    balancer.signal(next);
    const code = 128 + constants.signals[next];
    expect(await balancer.exited).toEqual({ code, signal: null, stderr: '' });
    expect(await end).toBe('closed');
  });
});

test('--drain-timeout 0 closes sessions at once', async () => {
  await using member = await EchoMember.start();
  await using balancer = await Balancer.start([...member.flags, '--drain-timeout', '0']);
  const socket = await connect(balancer.address);
  await ask(socket, 'before');
  const end = endOf(socket);
  expect(await balancer.stop()).toMatchObject({ code: 0, stderr: '' });
  expect(balancer.log.slice(-2)).toMatchObject([
    { event: 'stopping', sessions: 1 },
    { event: 'stopped', cut: 1 },
  ]);
  expect(await end).toBe('closed');
});

describe('without running', () => {
  test.each([
    { args: ['--version'], prints: `${manifest.version}\n` },
    { args: ['--help'], prints: /^Usage: etcd-lb .*\brun\b.*\bconfig\b/s },
    { args: ['help', 'run'], prints: /^Usage: etcd-lb run .*--listen ADDRESS/s },
    { args: ['run', '--version'], prints: `${manifest.version}\n` },
    { args: ['version'], prints: /^etcd-lb \S+ \(node \S+, \S+\)\n$/ },
    { args: ['run', '--help'], prints: /ETCD_LB_CHECK_INTERVAL=1s/ },
    { args: ['run', '--help', '--all'], prints: /--check-rise COUNT / },
    { args: ['help', 'config', '--all'], prints: /--check-rise COUNT / },
    { args: ['config', '--help'], prints: /^Usage: etcd-lb config / },
  ])('$args prints and exits with 0', async ({ args, prints }) => {
    const { code, stdout, stderr } = await etcdLb(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    if (typeof prints === 'string') expect(stdout).toBe(prints);
    else expect(stdout).toMatch(prints);
  });

  test('help for a command that there is not names the one that is meant', async () => {
    const { code, stdout, stderr } = await etcdLb(['help', 'drian']);
    expect({ code, stdout, stderr }).toEqual({
      ...{ code: 2, stdout: '' },
      stderr: 'etcd-lb: drian is not a command; did you mean drain?\n',
    });
  });

  test('no command prints the help as an error and exits with 2', async () => {
    const { code, stdout, stderr } = await etcdLb([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: etcd-lb /);
  });
});

async function get(balancer: Balancer, path: string): Promise<{ code: number; text: string }> {
  const response = await fetch(balancer.observeUrl + path);
  return { code: response.status, text: await response.text() };
}
