/** The order of a move, with a guard and a member that are scripted. */
import { expect, test } from 'vitest';
import type { EtcdClient } from '../../../src/etcd/etcd-client.ts';
import type { LeaderGuard } from '../../../src/leader/guard.ts';
import type { HoldEnd } from '../../../src/leader/hold.ts';
import { LeaderMover } from '../../../src/leader/move.ts';
import { memberAt } from '../proxy/members.ts';

const [m0, m1] = [memberAt(1, 'm0'), memberAt(2, 'm1')];

/** A hold that ends as is told, and a client that refuses or obeys. */
function scene(parts: { readonly holds?: boolean; readonly refuses?: boolean } = {}) {
  const { holds = true, refuses = false } = parts;
  const hold = Promise.withResolvers<HoldEnd>();
  const said: string[] = [];
  const guard: Pick<LeaderGuard, 'beginMove' | 'cancelMove'> = {
    beginMove: () => (holds ? hold.promise : undefined),
    cancelMove: () => {
      said.push('cancelled');
      hold.resolve('cancelled');
    },
  };
  const client = {
    status: async () => ({ leaderId: 'a', memberId: 'a' }),
    moveLeader: async (id: string) => {
      said.push(`to ${id}`);
      if (refuses) throw new Error('etcdserver: leader transfer failed');
    },
    close: () => said.push('closed'),
  };
  const mover = new LeaderMover({
    guard: guard as LeaderGuard,
    sessions: { all: () => [] },
    clientOf: () => client as unknown as EtcdClient,
  });
  return { mover, said, end: (how: HoldEnd) => hold.resolve(how) };
}

test('is over when another leads, and tells for how long clients were held', async () => {
  const { mover, said, end } = scene();
  const moved = mover.move(m0, m1, 'b');
  setTimeout(() => end('elected'), 20);
  expect(await moved).toBeGreaterThanOrEqual(19);
  expect(said).toEqual(['to b', 'closed']);
});

test('is asked for all the same where nothing is held', async () => {
  const { mover, said } = scene({ holds: false });
  expect(await mover.move(m0, m1, 'b')).toBe(0);
  expect(said).toEqual(['to b', 'closed']);
});

test('that etcd refuses ends the hold and says why', async () => {
  const { mover, said } = scene({ refuses: true });
  await expect(mover.move(m0, m1, 'b')).rejects.toThrow(
    'm0 did not hand over to m1: etcdserver: leader transfer failed.',
  );
  expect(said).toEqual(['to b', 'cancelled', 'closed']);
});

test('after which nobody leads in time is an error', async () => {
  const { mover, end } = scene();
  const moved = mover.move(m0, m1, 'b');
  end('expired');
  await expect(moved).rejects.toThrow('no other member led in time');
});

test('whose hold is called off meanwhile does not keep the next one waiting', async () => {
  const { mover, said, end } = scene();
  const moved = mover.move(m0, m1, 'b');
  await expect(mover.move(m0, m1, 'b')).rejects.toThrow('already being moved');
  end('cancelled');
  await moved;
  expect(said).toEqual(['to b', 'closed']);
  await mover.move(m0, m1, 'b');
});
