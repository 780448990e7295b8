import { expect, test } from 'vitest';
import { findSrvMembers, memberSchemes, placesFrom } from '../../../src/discovery/srv.ts';

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

test('priority is the class and weight the share, 0 a small one; in the order of priority', () => {
  const places = placesFrom([record('Far.example.', 20, 5), record('near', 10, 0)], 'http');
  expect(places).toMatchObject([
    { name: 'near:2379', priority: 10, weight: 1 },
    { name: 'far.example:2379', priority: 20, weight: 5 },
  ]);
});

test('which of the two is asked for follows from the endpoints, or else from certificates', () => {
  const http = { name: 'a', scheme: 'http', host: 'a', port: 1 } as const;
  expect(memberSchemes([http], true)).toEqual(['http']);
  expect(memberSchemes([], true)).toEqual(['https']);
  expect(memberSchemes([], false)).toEqual(['https', 'http']);
});
