/** `etcd-lb healthcheck`, against balancers that observe here, there and nowhere. */
import { expect, test } from 'vitest';
import { freePorts } from '../../src/demo/free-ports.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';

const endpoints = ['--endpoints', '127.0.0.1:1'];
const after = (pid: number) => etcdLb(['healthcheck', '--pid', String(pid)]);

test.each(['127.0.0.1', '', '0.0.0.0', '[::1]'])(
  'asks at "%s" where it observes there',
  async (host) => {
    const [port] = await freePorts(1);
    await using balancer = await Balancer.start([...endpoints, '--observe', `${host}:${port}`]);
    expect(await after(balancer.pid)).toMatchObject({ code: 0, stdout: 'alive\n', stderr: '' });
  },
);

test('takes the word of a process that observes nowhere', async () => {
  await using balancer = await Balancer.start([...endpoints, '--observe', 'off']);
  const stdout = 'runs, and observe is off\n';
  expect(await after(balancer.pid)).toMatchObject({ code: 0, stdout, stderr: '' });
});

test('does not find alive what hangs, is something else, or is gone', async () => {
  const [port] = await freePorts(1);
  await using balancer = await Balancer.start([...endpoints, '--observe', `127.0.0.1:${port}`]);
  balancer.signal('SIGSTOP');
  expect(await after(balancer.pid)).toMatchObject({
    code: 1,
    stderr: `etcd-lb: /livez at 127.0.0.1:${port} fails: no answer within 2s.\n`,
  });
  balancer.signal('SIGCONT');
  expect(await after(process.pid)).toMatchObject({
    code: 1,
    stderr: `etcd-lb: process ${process.pid} is not "etcd-lb run"; name one that is with --pid.\n`,
  });
  await balancer.stop();
  expect((await after(balancer.pid)).code).toBe(1);
});
