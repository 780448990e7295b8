/** Who the members are, by what files say and by what members answer. */
import { describe, expect, test } from 'vitest';
import { formatNamedEndpoint } from '../../../src/config/values/endpoint.ts';
import type { ListedMember, PollResult } from '../../../src/etcd/status/member-status.ts';
import { candidatesOf, type Members, membersHere, membersOf } from '../../../src/init/members.ts';
import { apiserverIn, memberIn, type Node } from '../../../src/init/node/node.ts';
import { someFacts } from '../../support/described-cluster.ts';
import { apiserver, etcd129, etcd133, externalApiserver } from './manifests.ts';

const nothing = { endpoints: [], isSecure: false };
const silent: PollResult = { kind: 'unknown', why: 'nobody answers' };
const files = new Map();
const first: Node = {
  etcd: memberIn('', etcd129()),
  apiserver: apiserverIn('', apiserver()),
  files,
};
const third: Node = {
  etcd: memberIn('', etcd133()),
  apiserver: apiserverIn('', apiserver()),
  files,
};
const elsewhere = (servers?: string[]): Node => ({
  apiserver: apiserverIn('', externalApiserver(servers)),
  files,
});

const listed = (number: number, more: Partial<ListedMember> = {}): ListedMember => ({
  id: `a${number}`,
  name: `cp${number}`,
  clientUrls: [`https://10.0.0.${number}:2379`],
  isLearner: false,
  ...more,
});
const answer = (
  memberId: string,
  members: readonly ListedMember[],
  more: { clusterId?: string; appliedIndex?: number } = {},
): PollResult => ({ kind: 'known', status: { ...someFacts, memberId, members, ...more } });
const urls = ({ endpoints }: Members) =>
  endpoints.map(({ endpoint }) => formatNamedEndpoint(endpoint));
const all = [1, 2, 3].map((host) => `cp${host}=https://10.0.0.${host}:2379`);

describe('candidates', () => {
  const names = (node: Node) =>
    candidatesOf(node, nothing).map(({ endpoint }) => formatNamedEndpoint(endpoint));

  test('of the first node of a cluster: its own member, not its loopback address', () => {
    expect(names(first)).toEqual([all[0]]);
  });

  test('of a node that joined: those before it too, at the same port', () => {
    expect(names(third)).toEqual([all[2], all[1], all[0]]);
  });

  test('where etcd is elsewhere: those of kube-apiserver', () => {
    expect(names(elsewhere())).toEqual([1, 2, 3].map((host) => `https://10.0.1.${host}:2379`));
  });

  test('that are given take the place of those found; certificates mean https', () => {
    const given = { endpoints: ['a=10.1.1.1', 'http://b:2379'], isSecure: true };
    expect(candidatesOf(first, given).map(({ endpoint }) => endpoint.scheme)).toEqual([
      'https',
      'http',
    ]);
  });
});

describe('members', () => {
  const own = candidatesOf(first, nothing);

  test('are those that the cluster lists, by name, the numbers in order', () => {
    const ten = listed(10);
    const list = [ten, listed(3), listed(1), listed(2)];
    const members = membersOf(own, [answer('a1', list)]);
    expect(urls(members)).toEqual([...all, 'cp10=https://10.0.0.10:2379']);
    expect(members.endpoints[0]?.why).toMatch(/^this node's/);
    expect(members.endpoints[1]?.why).toMatch(/^the cluster lists it/);
    expect(members.notes).toEqual([]);
  });

  test('have the names that the cluster knows, not those that were given', () => {
    const given = candidatesOf(first, { endpoints: ['a=https://10.0.0.1:2379'], isSecure: true });
    expect(urls(membersOf(given, [answer('a1', [listed(1)])]))).toEqual([all[0]]);
  });

  test('come from the newest list of the cluster of the first that answers', () => {
    const three = candidatesOf(third, nothing);
    const answers = [
      answer('a3', [listed(3)], { appliedIndex: 1 }),
      answer('a2', [listed(2), listed(3)], { appliedIndex: 2 }),
      answer('b1', [listed(7)], { appliedIndex: 3, clusterId: 'other' }),
    ];
    expect(urls(membersOf(three, answers))).toEqual([all[1], all[2]]);
  });

  test('of a shared or impossible name go by their id', () => {
    const list = [listed(1), listed(2, { name: 'cp1' }), listed(3, { name: 'a b' })];
    expect(urls(membersOf(own, [answer('a1', list)]))).toEqual([
      'a1=https://10.0.0.1:2379',
      'a2=https://10.0.0.2:2379',
      'a3=https://10.0.0.3:2379',
    ]);
  });

  test('without a usable address are left out, which is said', () => {
    const list = [
      listed(1),
      listed(2, { clientUrls: ['https://127.0.0.1:2379'] }),
      listed(3, { name: '', clientUrls: [] }),
    ];
    const { notes, ...members } = membersOf(own, [answer('a1', list)]);
    expect(urls({ notes, ...members })).toEqual([all[0]]);
    expect(notes).toEqual([
      expect.stringMatching(/^cp2 is left out: .*; add it to endpoints by hand\.$/),
      expect.stringMatching(/^1 listed member never started/),
    ]);
  });

  test('are what the files say while nobody answers, which is said', () => {
    const members = membersOf(candidatesOf(third, nothing), [silent, silent, silent]);
    expect(urls(members)).toEqual([all[2], all[1], all[0]]);
    expect(members.endpoints[1]?.why).toContain('the port is a guess');
    expect(members.notes).toEqual([
      expect.stringMatching(/^No member could be asked .* \(nobody answers\): /),
    ]);
  });

  test('behind an address of this node are those that it leads to', () => {
    const behind = candidatesOf(elsewhere(['https://127.0.0.1:2379']), nothing);
    expect(urls(membersOf(behind, [answer('a2', [listed(1), listed(2)])]))).toEqual(
      all.slice(0, 2),
    );
    expect(() => membersOf(behind, [silent])).toThrow(/name them in --endpoints\.$/);
  });

  test('run here if they have an address of this machine', () => {
    const members = membersOf(own, [answer('a1', [listed(1), listed(2)])]);
    const machine = { hostname: 'cp2', addresses: ['127.0.0.1', '10.0.0.2'] };
    expect(membersHere(members, machine)).toMatchObject([{ name: 'cp2' }]);
  });
});
