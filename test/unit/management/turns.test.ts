/** Work in turns: one piece in each, in order, with a pause after long ones. */
import { expect, test, vi } from 'vitest';
import { Turns } from '../../../src/management/turns.ts';
import { TurnCounter } from '../../support/turn-counter.ts';

test('one piece is done in a turn, in order', async () => {
  using counter = new TurnCounter();
  const turns = new Turns();
  const done: number[] = [];
  for (let each = 0; each < 20; each += 1) {
    turns.take(() => {
      counter.note();
      done.push(each);
    });
  }
  expect(done).toEqual([]); // not at once
  await vi.waitUntil(() => done.length === 20, { interval: 1, timeout: 10_000 });
  expect(done).toEqual(Array.from({ length: 20 }, (_, each) => each));
  expect(counter.most).toBe(1);
});

test('after a piece there is a pause of four times what it took, its promises included, 100 ms at most', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  try {
    const turns = new Turns();
    const done: string[] = [];
    const piece = (name: string, now: number, later: number) => () => {
      vi.advanceTimersByTime(now);
      void Promise.resolve().then(() => {
        vi.advanceTimersByTime(later);
        done.push(name);
      });
    };
    turns.take(piece('first', 3, 2));
    turns.take(piece('second', 1_000, 0));
    turns.take(piece('third', 0, 0));
    const steps = async () => {
      for (let each = 0; each < 5; each += 1) await new Promise(setImmediate);
    };
    await steps();
    expect(done).toEqual(['first']);
    vi.advanceTimersByTime(19);
    await steps();
    expect(done).toEqual(['first']);
    vi.advanceTimersByTime(1);
    await steps();
    expect(done).toEqual(['first', 'second']);
    vi.advanceTimersByTime(99);
    await steps();
    expect(done).toEqual(['first', 'second']);
    vi.advanceTimersByTime(1);
    await steps();
    expect(done).toEqual(['first', 'second', 'third']);
  } finally {
    vi.useRealTimers();
  }
});

test('stop forgets what has not begun', async () => {
  const turns = new Turns();
  let done = 0;
  turns.take(() => {
    done += 1;
    turns.stop();
  });
  turns.take(() => {
    done += 1;
  });
  for (let each = 0; each < 5; each += 1) await new Promise(setImmediate);
  turns.take(() => {
    done += 1;
  });
  await new Promise(setImmediate);
  expect(done).toBe(1);
});
