/** Whatever is asked of the drainer, in whatever order: the accounts are right, and nothing is left behind. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LoadLease } from '../../../../src/members/load-lease.ts';
import type { Member } from '../../../../src/members/member.ts';
import { Drainer } from '../../../../src/proxy/sessions/drainer.ts';
import { MemberDrains } from '../../../../src/proxy/sessions/member-drains.ts';
import {
  acknowledged,
  answer,
  type FakeSession,
  FakeSessions,
  follow,
  question,
  say,
} from '../fake-session.ts';
import { memberAt } from '../members.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const which = fc.nat(9);
const member = fc.nat(1);
const step = fc.oneof(
  fc.record({ open: member, followed: fc.boolean(), count: fc.integer({ min: 1, max: 120 }) }),
  fc.record({ dial: member }),
  fc.record({ undial: fc.constant(true) }),
  fc.record({
    drain: member,
    timeout: fc.constantFrom(0, 50, 1_000, 20_000),
    removed: fc.boolean(),
  }),
  fc.record({ cancel: member }),
  fc.record({ evict: fc.subarray([0, 1]) }),
  fc.record({ move: which, graceful: fc.boolean() }),
  fc.record({ cut: which }),
  fc.record({ end: which, by: fc.constantFrom('client' as const, 'member' as const) }),
  fc.record({ ask: which }),
  fc.record({ answer: which }),
  fc.record({ acknowledge: which }),
  fc.record({ unread: which, is: fc.boolean() }),
  fc.record({ unsent: which, bytes: fc.constantFrom(0, 100) }),
  fc.record({ pass: fc.constantFrom(1, 5, 20, 100, 700, 6_000) }),
);
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

class World {
  readonly members = [memberAt(1, 'm0'), memberAt(2, 'm1')] as const;
  readonly sessions = new FakeSessions();
  readonly drainer = new Drainer(this.sessions);
  readonly drains = new MemberDrains(this.sessions, this.drainer).on('drained', ({ load }) => {
    this.loadsWhenDrained.push(load);
  });
  readonly all: FakeSession[] = [];
  readonly ended: FakeSession[] = [];
  readonly dials: LoadLease[] = [];
  readonly dialling: Member[] = [];
  readonly loadsWhenDrained: number[] = [];
  /** Sessions that were said to be on their way. */
  readonly moved: FakeSession[] = [];

  constructor() {
    this.sessions.onEnd((session) => {
      this.ended.push(session as FakeSession);
    });
  }

  take(step: Step): void {
    const [m0, m1] = this.members;
    const at = (index: number): Member => (index === 0 ? m0 : m1);
    const open = this.sessions.all() as FakeSession[];
    const one = (index: number): FakeSession[] => open.slice(index, index + 1);
    if ('open' in step) this.#open(at(step.open), step.followed, step.count);
    else if ('dial' in step) this.#dial(at(step.dial));
    else if ('undial' in step) this.#undial();
    else if ('drain' in step) {
      this.drains.drain(at(step.drain), step.timeout, step.removed ? 'removed' : 'drained');
    } else if ('cancel' in step) this.drains.cancel(at(step.cancel));
    else if ('evict' in step) this.drains.evict(step.evict.map(at));
    else if ('move' in step) this.#move(one(step.move), step.graceful);
    else if ('cut' in step) this.drainer.close(one(step.cut), 'operator');
    else if ('end' in step) for (const session of one(step.end)) session.endBy(step.by);
    else if ('pass' in step) this.pass(step.pass);
    else this.#play(step, one);
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 50) {
      vi.advanceTimersByTime(Math.min(left, 50));
      this.sessions.sample(performance.now());
    }
  }

  /** Everybody is answered, dials fail, and an operator closes the rest. */
  finish(): void {
    while (this.dials.length > 0) this.#undial();
    this.drains.evict([]);
    this.drainer.close(this.sessions.all(), 'operator');
    this.pass(200);
  }

  #open(to: Member, isFollowed: boolean, count: number): void {
    for (let each = 0; each < count; each += 1) {
      const session = this.sessions.start(to, isFollowed);
      if (isFollowed) follow(session);
      this.all.push(session);
    }
  }

  #dial(to: Member): void {
    this.dials.push(new LoadLease(to));
    this.dialling.push(to);
  }

  #undial(): void {
    this.dials.shift()?.release();
    this.dialling.shift();
  }

  #move(sessions: FakeSession[], graceful: boolean): void {
    this.drainer.request(sessions, {
      ...{ reason: 'rebalanced', graceful, timeout: Number.POSITIVE_INFINITY, cut: 0 },
      ...{ deadline: performance.now() + 1_000, atDeadline: 'stay' },
      onLeaving: (session) => this.moved.push(session as FakeSession),
    });
  }

  #play(step: Step, one: (index: number) => FakeSession[]): void {
    if ('ask' in step) for (const session of one(step.ask)) this.#speak(session, 'ask');
    if ('answer' in step) for (const session of one(step.answer)) this.#speak(session, 'answer');
    if ('acknowledge' in step) {
      for (const session of one(step.acknowledge)) say(session, 'client', acknowledged);
    }
    if ('unread' in step) for (const session of one(step.unread)) session.unread = step.is;
    if ('unsent' in step) {
      for (const session of one(step.unsent)) session.client.writableLength = step.bytes;
    }
  }

  #speak(session: FakeSession, what: 'ask' | 'answer'): void {
    session[what]();
    if (what === 'ask') say(session, 'client', question);
    else say(session, 'member', answer);
  }
}

/** What must be so at any time. */
function check({ members, sessions, all, ended, dialling, moved, drainer }: World): void {
  for (const each of members) {
    const loading = [...sessions.openOn(each)].filter(({ state }) => state.kind === 'open');
    const dials = dialling.filter((to) => to === each).length;
    expect(each.load).toBe(loading.length + dials);
  }
  for (const { closes } of all) expect(closes).toBeLessThanOrEqual(1);
  expect(new Set(ended).size).toBe(ended.length);
  expect(new Set(moved).size).toBe(moved.length);
  expect(sessions.count).toBe(all.length - ended.length);
  for (const session of ended) expect(drainer.has(session)).toBe(false);
}

test('each session ends once, gives its load back once, and nobody stays queued', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      vi.clearAllTimers();
      const world = new World();
      for (const each of steps) {
        world.take(each);
        check(world);
      }
      world.finish();
      check(world);
      expect(world.ended).toHaveLength(world.all.length);
      expect(world.members.map(({ load, calls }) => [load, calls])).toEqual(Array(2).fill([0, 0]));
      expect(world.drains.leaving).toEqual([]);
      expect(world.loadsWhenDrained.every((load) => load === 0)).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 400 },
  );
});

test('whatever came before, a drain is over when its time is, and a shutdown loses nobody', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.boolean(), (steps, isShutdown) => {
      vi.clearAllTimers();
      const world = new World();
      for (const each of steps) world.take(each);
      while (world.dials.length > 0) world.take({ undial: true });
      if (isShutdown) world.drains.drainAll(20_000);
      else for (const each of world.members) world.drains.drain(each, 5_000, 'removed');
      // Nobody asks or keeps anything from being sent any more.
      for (const session of world.all) {
        session.unread = false;
        session.client.writableLength = 0;
      }
      world.pass(isShutdown ? 20_000 : 5_200);
      const left = world.sessions.all().filter(({ calls }) => !calls?.isBusy);
      expect(left).toEqual([]);
      if (!isShutdown) expect(world.sessions.count).toBe(0);
      check(world);
      world.drains.stop();
      world.drainer.stop();
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 200 },
  );
});
