/**
 * Dialling real ports: `echo` accepts, `refusing` refuses, `frozen` never answers. Where a race or
 * the budget must not come into play they are set to a minute, beyond the patience of the test.
 */

import { getEventListeners, once } from 'node:events';
import net, { type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Policy } from '../../../../src/balancing/policies/policy.ts';
import type { Snapshot } from '../../../../src/balancing/snapshot.ts';
import { LiveSettings } from '../../../../src/config/live-settings.ts';
import { TimerQueue } from '../../../../src/lib/time/timer-queue.ts';
import type { Member } from '../../../../src/members/member.ts';
import {
  type DialAttempt,
  type Dialled,
  type DialOptions,
  dial,
} from '../../../../src/proxy/dial/dial.ts';
import { lookup } from '../../../support/lookup.ts';
import { aMember } from '../../../support/members.ts';
import {
  type FrozenPort,
  freezePort,
  inOrder,
  Members,
  memberAt,
  refusing,
  routeTo,
} from '../members.ts';

/** A busy machine needs more than the second that is usual. */
const patience = { timeout: 20_000 };

const minute = 60_000;
const never = new AbortController().signal;
let frozenPort: FrozenPort;
let members: Members;
let timers: TimerQueue;
let attempts: [member: Member, attempt: DialAttempt][];
let dialled: Dialled | undefined;

beforeAll(async () => {
  frozenPort = await freezePort();
});
afterAll(() => frozenPort[Symbol.asyncDispose]());
beforeEach(() => {
  members = new Members();
  timers = new TimerQueue();
  attempts = [];
  dialled = undefined;
});
afterEach(async () => {
  dialled?.socket.destroy();
  await members[Symbol.asyncDispose]();
});

const frozen = (name: string): Member => memberAt(frozenPort.port, name);

/** Settings for a dial that may take so long, with a race after so long, ms. */
const within = (dialTimeout: number, dialRaceAfter = minute): DialOptions['settings'] =>
  new LiveSettings({ dialTimeout, dialRaceAfter, keepalive: 15_000 });

function optionsFor(snapshot: Snapshot, options: Partial<DialOptions> = {}): DialOptions {
  return {
    settings: within(minute),
    policy: inOrder,
    snapshot: () => snapshot,
    lookup,
    connect: net.connect,
    timers,
    isSelf: () => false,
    onAttempt: (member, attempt) => attempts.push([member, attempt]),
    ...options,
  };
}

async function dialTo(
  targets: Member[],
  options: Partial<DialOptions> = {},
  signal = never,
): Promise<Dialled | undefined> {
  dialled = await dial(optionsFor(routeTo(...targets), options), signal);
  return dialled;
}

/** `m0 refused`, `m1 connected`, in the order they were told. */
function told(): string[] {
  return attempts.map(([{ name }, attempt]) =>
    attempt.result === 'failed' ? `${name} ${attempt.failure.reason}` : `${name} ${attempt.result}`,
  );
}

const loads = (targets: readonly Member[]) => targets.map((target) => target.load);

test('the first pick that connects is it, and carries the load', async () => {
  const targets = [await members.echo('m0'), await members.echo('m1')];
  expect(await dialTo(targets)).toMatchObject({ member: targets[0], failovers: 0 });
  expect(told()).toEqual(['m0 connected']);
  expect(loads(targets)).toEqual([1, 0]);
});

test('the load counts from the moment the dial begins', async () => {
  const targets = [await members.echo('m0')];
  const dialling = dialTo(targets);
  expect(loads(targets)).toEqual([1]);
  await dialling;
});

test('when one refuses, the next is dialled at once', async () => {
  const targets = [refusing('m0'), refusing('m1'), await members.echo('m2')];
  expect(await dialTo(targets)).toMatchObject({ member: targets[2], failovers: 2 });
  expect(told()).toEqual(['m0 refused', 'm1 refused', 'm2 connected']);
  expect(loads(targets)).toEqual([0, 0, 1]);
});

test('when one does not answer, the next is raced, and the slower is abandoned', async () => {
  const targets = [frozen('m0'), await members.echo('m1')];
  expect(await dialTo(targets, { settings: within(minute, 30) })).toMatchObject({
    member: targets[1],
    failovers: 1,
  });
  expect(told()).toEqual(['m1 connected', 'm0 abandoned']);
  expect(attempts[1]?.[1].duration).toBeGreaterThan(25);
  expect(loads(targets)).toEqual([0, 1]);
});

test('no race is started before its time', async () => {
  const targets = [frozen('m0'), await members.echo('m1')];
  await dialTo(targets, { settings: within(100) });
  expect(told()).toEqual(['m0 timeout']);
});

test('when all refuse, each was tried once', async () => {
  const targets = ['m0', 'm1', 'm2', 'm3'].map(refusing);
  expect(await dialTo(targets)).toBeUndefined();
  expect(told()).toEqual(['m0 refused', 'm1 refused', 'm2 refused', 'm3 refused']);
  expect(loads(targets)).toEqual([0, 0, 0, 0]);
});

test('when the budget is used up, what is under way has failed by timeout', async () => {
  const targets = [frozen('m0'), refusing('m1'), frozen('m2')];
  expect(await dialTo(targets, { settings: within(120, 20) })).toBeUndefined();
  expect(told()).toEqual(['m1 refused', 'm0 timeout', 'm2 timeout']);
  const [, last] = attempts.at(-1) ?? [];
  expect(last).toMatchObject({ failure: { detail: 'not connected within 120ms' } });
  expect(attempts[1]?.[1].duration).toBeGreaterThan(100); // of those 120 ms that the whole dial has
  expect(loads(targets)).toEqual([0, 0, 0]);
});

test('a name that does not resolve is a failure like any other', async () => {
  const unnamed = aMember('m0', { host: 'name.invalid', port: 1 });
  await dialTo([unnamed, await members.echo('m1')]);
  expect(told()).toEqual(['m0 dns', 'm1 connected']);
});

test('an endpoint that is the balancer itself is passed over, and its connection closed', async () => {
  const closed = Promise.withResolvers<void>();
  const self = await members.serve('m0', (socket) => socket.resume().on('end', closed.resolve));
  const isSelf = (socket: Socket) => socket.remotePort === self.port;
  await dialTo([self, await members.echo('m1')], { isSelf });
  expect(told()).toEqual(['m0 self', 'm1 connected']);
  expect(self.load).toBe(0);
  await closed.promise;
});

test('a member marked failed while it is dialled gets no session, although it connects', async () => {
  const targets = [await members.echo('m0'), await members.echo('m1')];
  const evicted = new Set<Member>();
  const dialling = dial(optionsFor({ routable: targets, all: targets, evicted }), never);
  for (const target of targets.slice(0, 1)) evicted.add(target);
  dialled = await dialling;
  expect(told()).toEqual(['m0 unhealthy', 'm1 connected']);
  expect(loads(targets)).toEqual([0, 1]);
});

test('members that are not routable are tried when all routable ones failed', async () => {
  const [down, spare] = [refusing('m0'), await members.echo('m1')];
  dialled = await dial(
    optionsFor({ routable: [down], all: [spare, down], evicted: new Set() }),
    never,
  );
  expect(told()).toEqual(['m0 refused', 'm1 connected']);
});

test('the snapshot is asked before each attempt', async () => {
  const [down, one, two] = [refusing('m0'), await members.echo('m1'), await members.echo('m2')];
  const all = [down, one, two];
  let snapshot = routeTo(...all);
  const options = optionsFor(snapshot, {
    snapshot: () => snapshot,
    onAttempt: (member, attempt) => {
      attempts.push([member, attempt]);
      snapshot = { routable: [two], all, evicted: new Set() };
    },
  });
  dialled = await dial(options, never);
  expect(told()).toEqual(['m0 refused', 'm2 connected']);
});

describe('abort', () => {
  test('ends what is under way', async () => {
    const targets = [frozen('m0'), frozen('m1'), await members.echo('m2')];
    const stop = new AbortController();
    const dialling = dialTo(targets, { settings: within(minute, 30) }, stop.signal);
    await vi.waitUntil(() => targets[1]?.load === 1, patience);
    stop.abort();
    expect(await dialling).toBeUndefined();
    expect(told()).toEqual(['m0 abandoned', 'm1 abandoned']);
    expect(loads(targets)).toEqual([0, 0, 0]);
  });

  test('while an attempt is told ends the dial', async () => {
    const targets = [refusing('m0'), await members.echo('m1')];
    const stop = new AbortController();
    const onAttempt = (): void => stop.abort();
    expect(await dialTo(targets, { onAttempt }, stop.signal)).toBeUndefined();
    expect(loads(targets)).toEqual([0, 0]);
  });

  test('before the start makes no attempt', async () => {
    const targets = [await members.echo('m0')];
    expect(await dialTo(targets, {}, AbortSignal.abort())).toBeUndefined();
    expect(told()).toEqual([]);
    expect(loads(targets)).toEqual([0]);
  });

  test('after the dial changes nothing', async () => {
    const targets = [await members.echo('m0')];
    const stop = new AbortController();
    const result = await dialTo(targets, {}, stop.signal);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    stop.abort();
    expect(result?.socket.destroyed).toBe(false);
    expect(loads(targets)).toEqual([1]);
  });
});

test('no timer is left behind, however it ended', async () => {
  await dialTo([refusing('m0'), await members.echo('m1')]);
  expect(timers.pending).toBe(0);
  dialled?.socket.destroy();
  await dialTo([refusing('m0')]);
  expect(timers.pending).toBe(0);
  await dialTo([refusing('m0')], {}, AbortSignal.abort());
  expect(timers.pending).toBe(0);
});

test('what a member sends at once waits unread in a paused socket', async () => {
  const sent = Promise.withResolvers<void>();
  const member = await members.serve('m0', (socket) => {
    socket.end('first bytes', () => sent.resolve());
  });
  const socket = (await dialTo([member]))?.socket as Socket;
  await sent.promise;
  await new Promise(setImmediate); // a socket that reads would have read by now
  expect(socket.isPaused()).toBe(true);
  expect(socket.bytesRead).toBe(0);
  expect(await text(socket)).toBe('first bytes');
});

test('a member that resets before there is a session is noticed when somebody reads', async () => {
  const accepted = Promise.withResolvers<Socket>();
  const member = await members.serve('m0', accepted.resolve);
  const socket = (await dialTo([member]))?.socket as Socket;
  (await accepted.promise).resetAndDestroy();
  const failed = once(socket.resume(), 'error');
  expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  expect(told()).toEqual(['m0 connected']);
  expect(member.load).toBe(1); // the caller's to give back
});

test('for any members in any order: one session if any accepts, each tried at most once, no load left over', async () => {
  const echoes = await Promise.all(['a', 'b', 'c', 'd'].map((name) => members.echo(name)));
  const anyKinds = fc.array(fc.constantFrom('refuses', 'frozen', 'echoes'), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(anyKinds, fc.constantFrom(0, 1, 15), async (kinds, raceAfter) => {
      const targets = kinds.map((kind, index) => {
        if (kind === 'refuses') return refusing(`m${index}`);
        if (kind === 'frozen') return frozen(`m${index}`);
        return Object.assign(echoes[index] as Member, { load: 0, calls: 0 });
      });
      attempts = [];
      const anyAccepts = kinds.includes('echoes');
      const allTried = new AbortController();
      const policy: Policy = (members, tried) => {
        const next = inOrder(members, tried);
        // Without one that accepts, the visitor leaves once there is nobody left to try.
        if (next === undefined && !anyAccepts) setImmediate(() => allTried.abort());
        return next;
      };
      const result = await dialTo(
        targets,
        { settings: within(minute, raceAfter), policy },
        allTried.signal,
      );
      result?.socket.destroy();
      expect(result !== undefined).toBe(anyAccepts);
      expect(loads(targets)).toEqual(targets.map((target) => (target === result?.member ? 1 : 0)));
      const tried = attempts.map(([member]) => member);
      expect(new Set(tried).size).toBe(tried.length);
      if (!anyAccepts) expect(new Set(tried)).toEqual(new Set(targets));
      const connected = attempts.filter(([, attempt]) => attempt.result === 'connected');
      expect(connected.map(([member]) => member)).toEqual(result ? [result.member] : []);
    }),
    { numRuns: 60 },
  );
});
