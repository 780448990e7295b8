import { describe, expect, test } from 'vitest';
import { findSrvMembers, memberSchemes } from '../../../../src/members/discovery/srv.ts';

const record = (name: string, priority = 0, weight = 0) => ({ name, port: 2379, priority, weight });

/** A name server that has these names only. */
function having(names: Readonly<Record<string, ReturnType<typeof record>[]>>) {
  return async (name: string) => {
    const records = names[name];
    if (records !== undefined) return records;
    throw Object.assign(new Error(`querySrv ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
  };
}

const plain = '_etcd-client._tcp.example.com';
const secure = '_etcd-client-ssl._tcp.example.com';

test('https comes first, where there are records for both', async () => {
  const both = having({ [plain]: [record('a')], [secure]: [record('b')] });
  const found = await findSrvMembers('example.com', ['https', 'http'], both);
  expect(found).toMatchObject([{ name: 'b:2379', scheme: 'https', host: 'b', port: 2379 }]);
});

test('http is taken where there is nothing else', async () => {
  const found = await findSrvMembers(
    'example.com',
    ['https', 'http'],
    having({ [plain]: [record('a')] }),
  );
  expect(found).toMatchObject([{ scheme: 'http' }]);
});

test('none at all is told with every name that was asked for', async () => {
  const asked = findSrvMembers('example.com', ['https', 'http'], having({ [plain]: [] }));
  await expect(asked).rejects.toThrow(`${secure} does not exist, ${plain} has no record`);
});

describe('a target of "." is no service', () => {
  // Node gives the root as an empty name.
  test.each(['', '.'])('%j', async (root) => {
    const asked = (records: ReturnType<typeof record>[]) =>
      findSrvMembers('example.com', ['http'], having({ [plain]: records }));
    await expect(asked([record(root)])).rejects.toThrow(
      `${plain} says that there is no such service`,
    );
    expect(await asked([record(root), record('a')])).toMatchObject([{ host: 'a' }]);
  });

  test('so that the other kind of service is asked for', async () => {
    const both = having({ [plain]: [record('a')], [secure]: [record('')] });
    const found = await findSrvMembers('example.com', ['https', 'http'], both);
    expect(found).toMatchObject([{ scheme: 'http', host: 'a' }]);
  });
});

test('more records than a cluster has members are none, with how many there are', async () => {
  const many = Array.from({ length: 33 }, (_, index) => record(`m${index}`));
  const asked = (records: typeof many) =>
    findSrvMembers('example.com', ['http'], having({ [plain]: records }));
  await expect(asked(many)).rejects.toThrow(
    `${plain} has 33 records, more than the 32 members of any cluster`,
  );
  expect(await asked(many.slice(1))).toHaveLength(32);
});

test('a target that is no address is passed over', async () => {
  const odd = ['a b', 'a,b', 'a/b', 'x@y', '0.0.0.0', 'm0=a'].map((name) => record(name));
  const asked = (records: typeof odd) =>
    findSrvMembers('example.com', ['http'], having({ [plain]: records }));
  expect(await asked([...odd, record('good')])).toMatchObject([{ host: 'good' }]);
  await expect(asked(odd)).rejects.toThrow(`${plain} leads to no host and port`);
  await expect(asked([{ ...record('a'), port: 0 }])).rejects.toThrow('leads to no host and port');
});

test('priority is the class and weight the share, 0 a small one; in the order of priority', async () => {
  const records = [record('Far.example.', 20, 5), record('near', 10, 0)];
  const places = await findSrvMembers('example.com', ['http'], having({ [plain]: records }));
  expect(places).toMatchObject([
    { name: 'near:2379', priority: 10, weight: 1 },
    { name: 'far.example:2379', priority: 20, weight: 5 },
  ]);
});

test('which of the two is asked for follows from the endpoints, or else from certificates', () => {
  const http = { name: 'a', scheme: 'http', host: 'a', port: 1 } as const;
  const plain = {
    ...{ endpoints: [], tls: 'passthrough' as const },
    certificates: { members: {}, clients: {} },
  };
  const secure = { ...plain, serverName: 'etcd' };
  expect(memberSchemes({ ...secure, endpoints: [http] })).toEqual(['http']);
  expect(memberSchemes(secure)).toEqual(['https']);
  expect(memberSchemes({ ...plain, tls: 'originate' })).toEqual(['https']);
  const certificates = { ...plain.certificates, members: { ca: 'CA' } };
  expect(memberSchemes({ ...plain, certificates })).toEqual(['https']);
  expect(memberSchemes(plain)).toEqual(['https', 'http']);
});
