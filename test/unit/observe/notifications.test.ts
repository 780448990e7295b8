/** The words of sd_notify(3) and their order, as a real socket receives them. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EventLog } from '../../../src/observe/events/event-log.ts';
import { ServiceNotifications } from '../../../src/observe/notifications.ts';
import type { Status } from '../../../src/observe/status.ts';
import { NotifyReceiver } from '../../support/notify-receiver.ts';

/** Of one member, in so far as it is told. */
function statusOf(detail?: string): Status {
  const evidence = detail === undefined ? {} : { evidence: { detail } };
  const state = detail === undefined ? 'healthy' : 'failed';
  const members = [{ name: 'm0', acceptsNew: detail === undefined, state, ...evidence }];
  return { mode: 'normal', members, cluster: {} } as unknown as Status;
}

function opened(env: NodeJS.ProcessEnv): ServiceNotifications {
  const service = ServiceNotifications.open(env, process.pid);
  if (service === undefined) throw new Error('not opened');
  return service;
}

test('a reload is told with the time of the monotonic clock, and its end with ready', async () => {
  await using receiver = await NotifyReceiver.start();
  await using service = opened({ NOTIFY_SOCKET: receiver.path });
  const before = process.hrtime.bigint() / 1_000n;
  service.ready(() => statusOf());
  service.reloading();
  service.ready(() => statusOf());
  await expect.poll(() => receiver.messages.length).toBe(3);
  const [first, reloading = '', last] = receiver.messages.map(({ text }) => text);
  expect([first, last]).toEqual(Array(2).fill('READY=1\nSTATUS=1 of 1 members healthy'));
  const [, usec = '0'] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(reloading) ?? [];
  expect(BigInt(usec)).toBeGreaterThanOrEqual(before);
  expect(BigInt(usec)).toBeLessThanOrEqual(process.hrtime.bigint() / 1_000n);
});

test('changes are told together, as they are when they are told, on one line', async () => {
  await using receiver = await NotifyReceiver.start();
  await using service = opened({ NOTIFY_SOCKET: receiver.path });
  const events = new EventLog();
  service.listenTo(events);
  let status = statusOf();
  service.ready(() => status);
  for (let change = 0; change < 50; change += 1) {
    status = statusOf(`change\n${change}`);
    events.record({ kind: 'member-fit', member: 'm0' });
    await nextTurn();
  }
  await receiver.received('STATUS=0 of 1 members healthy; m0 failed: change 49');
  expect(receiver.messages.length).toBeLessThan(10); // 2, but for a machine that stands still
});

test('a receiver that comes late is told all the same, in order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-notify-'));
  await using service = opened({ NOTIFY_SOCKET: join(folder, 'notify') });
  service.ready(() => statusOf());
  const events = new EventLog();
  service.listenTo(events);
  events.record({ kind: 'stopping', sessions: 0, drainTimeout: 1_000 });
  await using receiver = await NotifyReceiver.startIn(folder);
  await receiver.received('STOPPING=1');
  const heads = receiver.messages.map(({ text }) => text.split('\n')[0]);
  expect(heads).toEqual(['READY=1', 'STOPPING=1']);
});

test.each([{}, { NOTIFY_SOCKET: '' }, { NOTIFY_SOCKET: 'vsock:2:1234' }])(
  'nobody is told with %j',
  (env) => {
    expect(ServiceNotifications.open(env, process.pid)).toBeUndefined();
  },
);

test('the variables are taken, so that children do not speak for us', async () => {
  await using receiver = await NotifyReceiver.start();
  const env = { NOTIFY_SOCKET: receiver.path, WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1', A: '1' };
  await using _service = opened(env);
  expect(env).toEqual({ A: '1' });
});
