/** Out of file descriptors: no new client comes in, and what else fails then does not end the process. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Balancer } from '../support/balancer.ts';
import { ask, connect } from './client.ts';
import { EchoMember } from './echo-member.ts';

const run = promisify(execFile);

test('a reload for which there is no descriptor is refused in one sentence', async () => {
  await using member = await EchoMember.start();
  await using balancer = await Balancer.start(member.flags);
  await balancer.healthy([member.name]);
  const socket = await connect(balancer.address);
  expect(await ask(socket, 'before')).toBe('before');

  const limit = (soft: string) =>
    run('prlimit', ['--pid', String(balancer.pid), `--nofile=${soft}:`]);
  const { stdout } = await run('sh', ['-c', 'ulimit -Hn']);
  await limit('3'); // fewer than are open: every further one is refused
  balancer.signal('SIGHUP');
  const { msg } = await balancer.logged(({ event }) => event === 'reload-refused');
  expect(msg).toBe(
    'reload refused, nothing has changed: The settings could not be checked: too many open files.',
  );
  expect(await balancer.logged(({ event }) => event === 'unexpected-error')).toMatchObject({
    level: 'error',
    stack: expect.stringContaining('networkInterfaces'),
  });
  expect(await ask(socket, 'and after')).toBe('and after');

  await limit(stdout.trim());
  balancer.signal('SIGHUP');
  await balancer.logged(({ event }) => event === 'reloaded');
  expect(await balancer.metric('etcd_lb_unexpected_errors_total')).toBe(1);
  socket.destroy();
  expect(await balancer.stop()).toEqual({ code: 0, signal: null, stderr: '' });
});
