/** The monitor: from an answer on a port to a state in the table. */

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Monitor } from '../../../src/health/monitor.ts';
import type { TimedCheck } from '../../../src/health/state/check-result.ts';
import type { Health } from '../../../src/health/state/health.ts';
import { alwaysAt } from '../../../src/lib/net/dns-cache.ts';
import { lookup } from '../../support/lookup.ts';
import { aMember, checkSettings } from '../../support/members.ts';

const noTls = {};

/** A monitor of one member, and a way to wait for a state. */
function monitorOf(checkUrl: string, checksClientPort: boolean) {
  const member = aMember('m0', { port: 1, checkUrl, checksClientPort });
  const states: Health['state'][] = [];
  let onState = (): void => {};
  const stop = new AbortController();
  const monitor = new Monitor({
    members: [member],
    settings: checkSettings({ checkFall: 3, checkFastInterval: 20 }),
    tls: () => noTls,
    lookup,
    isSelf: () => false,
    hasStalled: () => false,
    isUnresponsive: () => false,
  });
  monitor.on('check', (who, result) => expect(who.lastCheck).toMatchObject(result));
  monitor.on('change', ({ member: change }) => {
    if (change !== undefined) states.push(change.to.state);
    onState();
  });
  onTestFinished(() => stop.abort());
  const becomes = (state: Health['state']) =>
    new Promise<void>((resolve) => {
      onState = () => states.at(-1) === state && resolve();
      onState();
    });
  return { monitor, member, states, becomes, start: () => monitor.start(stop.signal) };
}

async function memberAnswering(status: () => number): Promise<string> {
  const server = http.createServer((_request, response) => void response.writeHead(status()).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a refused check of the port that clients use marks the member failed at once', async () => {
  const { member, states, becomes, start } = monitorOf('http://127.0.0.1:1', true);
  expect(member.lastCheck).toBeUndefined();
  start();
  await becomes('failed');
  expect(states).toEqual(['failed']);
  expect(member.lastCheck).toMatchObject({ failure: { reason: 'refused' } });
});

test('a refused check of another port does so only after fall checks', async () => {
  const { member, states, becomes, start } = monitorOf('http://127.0.0.1:1', false);
  start();
  await becomes('failed');
  expect(states).toEqual(['suspect', 'failed']);
  expect(member.health).toMatchObject({ evidence: { failedChecks: 3 } });
});

test('a failed dial withdraws the member and has it checked long before its next turn', async () => {
  const { monitor, member, states, becomes, start } = monitorOf(
    await memberAnswering(() => 200),
    true,
  );
  start();
  await becomes('healthy');
  monitor.dialFailed(member, { reason: 'reset', detail: 'cut' });
  expect(states).toEqual(['healthy', 'suspect']);
  await becomes('healthy');
});

test('a member that fails its checks and recovers goes through every state', async () => {
  let status = 503;
  const { states, becomes, start } = monitorOf(await memberAnswering(() => status), true);
  start();
  await becomes('failed');
  status = 200;
  await becomes('healthy');
  expect(states).toEqual(['suspect', 'failed', 'healthy']);
});

test('a dial that failed for want of something on this host does not withdraw the member', async () => {
  const { monitor, member, states, becomes, start } = monitorOf(
    await memberAnswering(() => 200),
    true,
  );
  start();
  await becomes('healthy');
  monitor.dialFailed(member, { reason: 'local', detail: 'connect EMFILE' });
  expect(states).toEqual(['healthy']);
});

test('the last checks of a member are kept, two minutes of one a second', async () => {
  const { member, start } = monitorOf('http://127.0.0.1:1', true);
  start();
  await vi.waitFor(() => expect(member.checks.length).toBeGreaterThan(2));
  const { at } = member.lastCheck as TimedCheck;
  expect(Math.abs(Date.now() - at)).toBeLessThan(1_000);
  const before: TimedCheck = { ok: true, duration: 1, at: 1, finishedAt: 1 };
  member.checks = Array(120).fill(before);
  await vi.waitFor(() => expect(member.lastCheck).not.toBe(before));
  expect(member.checks).toHaveLength(120);
});

test('a member that joins is checked at once, at its own address, and one that has left no more', async () => {
  const url = await memberAnswering(() => 200);
  const { monitor, member, states, start, becomes } = monitorOf(url, true);
  start();
  await becomes('healthy');
  const { port } = new URL(url);
  const other = aMember('m1', {
    checkUrl: `http://a-name-that-nobody-knows.invalid:${port}`,
    lookup: alwaysAt('127.0.0.1'),
  });
  monitor.add(other);
  states.length = 0;
  await becomes('healthy');
  expect(monitor.table.snapshot.routable).toEqual([member, other]);
  other.leave();
  expect(monitor.table.has(other)).toBe(false);
  // Dials to it that are still on their way end as they like.
  monitor.dialFailed(other, { reason: 'refused', detail: 'connection refused' });
  monitor.checkNow(other);
  monitor.checkAllNow();
  expect(monitor.table.members).toHaveLength(1);
});
