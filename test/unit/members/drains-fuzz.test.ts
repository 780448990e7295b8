/**
 * Whatever stands in a state file: a restart works, with what the file says or with why that is no use.
 * fast-check prints the seed of what fails.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatEndpoint, parseEndpoints } from '../../../src/config/values/endpoint.ts';
import type { DiscoveryChange } from '../../../src/members/discovery/change.ts';
import { SavedMembers } from '../../../src/members/discovery/saved-members.ts';
import { Drains } from '../../../src/members/drains.ts';
import { addressOf, keyOf, type Place } from '../../../src/members/place.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'etcd-lb-state-fuzz-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A file of one drain. */
const drainFile = (): string => {
  const drains = join(folder, 'drains');
  mkdirSync(drains, { recursive: true });
  return join(drains, 'one.json');
};

/** What is found where both files hold `content`. */
function load(content: string | Uint8Array) {
  const told: DiscoveryChange[] = [];
  const saved = new SavedMembers(folder, (change) => told.push(change));
  writeFileSync(saved.file, content);
  writeFileSync(drainFile(), content);
  const places = saved.load(['http', 'https']);
  return { places, told, drains: new Drains(folder).load() };
}

function expectUse({ places, told, drains }: ReturnType<typeof load>): void {
  expect(told).toMatchObject([
    places.length > 0 ? { kind: 'state-used' } : { kind: 'state-failing', doing: 'reading' },
  ]);
  expect(drains.drains.length + drains.unusable.length).toBe(1);
  for (const place of places) expectReachable(place);
  const unusable = told.flatMap((each) => (each.kind === 'state-failing' ? [each] : []));
  for (const { why } of [...drains.unusable, ...unusable]) expect(why).toMatch(/^\P{Cc}+$/u);
}

/** Everything that is done with a place needs it to be an address. */
function expectReachable(place: Place): void {
  expect(parseEndpoints(formatEndpoint(place), 'http')).toHaveLength(1);
  expect(() => new URL(`${place.scheme}://${addressOf(place)}`)).not.toThrow();
  expect(keyOf(place)).toMatch(/./);
}

/** Values that are almost those of a file. */
const nearly = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 30, arbitrary: value }, { weight: 1, arbitrary: fc.jsonValue() });
const text = fc.string({ unit: 'binary', maxLength: 12 });
const host = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6().map((ip) => `[${ip}]`),
  text,
);
const url = fc
  .tuple(fc.constantFrom('http', 'https', 'ftp', ''), host, fc.integer({ min: -1, max: 70_000 }))
  .map(([scheme, at, port]) => `${scheme}://${at}:${port}`);
const entry = fc.record(
  {
    name: nearly(fc.oneof(text, fc.constantFrom('m0', 'm1'))),
    url: nearly(url),
    endpoint: nearly(url),
    since: nearly(fc.date({ noInvalidDate: true }).map((date) => date.toISOString())),
    settingsName: nearly(text),
    address: nearly(fc.oneof(fc.ipV4(), fc.ipV6(), text)),
    weight: nearly(fc.double()),
    priority: nearly(fc.integer()),
  },
  { requiredKeys: [] },
);
const entries = fc.array(entry, { maxLength: 5 });
const file = fc.record(
  {
    version: nearly(fc.constant(1)),
    savedAt: nearly(fc.constant('2026-01-01T00:00:00.000Z')),
    members: nearly(entries),
    name: nearly(fc.oneof(text, fc.constantFrom('m0', 'm1'))),
    endpoint: nearly(url),
    since: nearly(fc.date({ noInvalidDate: true }).map((date) => date.toISOString())),
    ['__proto__']: fc.jsonValue(),
  },
  { requiredKeys: ['version', 'savedAt'] },
);

test('content that is nearly ours', () => {
  fc.assert(
    fc.property(file, (content) => expectUse(load(JSON.stringify(content)))),
    { numRuns: 500 },
  );
});

test('any JSON', () => {
  fc.assert(
    fc.property(fc.json(), (content) => expectUse(load(content))),
    { numRuns: 500 },
  );
});

test('any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (content) => expectUse(load(content))),
    { numRuns: 500 },
  );
});

test('a list of ours that is cut short, or has a byte changed', async () => {
  const saved = new SavedMembers(folder, () => {});
  const places: Place[] = [
    { name: 'm0', scheme: 'https', host: '10.0.0.1', port: 2379 },
    { name: 'm1', scheme: 'https', host: 'etcd.example', port: 2379, address: 'fd00::1' },
  ];
  await saved.save(places);
  const whole = readFileSync(saved.file);
  fc.assert(
    fc.property(fc.nat(whole.length - 2), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      expect(load(whole.subarray(0, at)).told).toMatchObject([
        { kind: 'state-failing', doing: 'reading' },
      ]);
      const changed = Buffer.from(whole);
      changed.writeUInt8(byte, at);
      expectUse(load(changed));
    }),
    { numRuns: 500 },
  );
});

test('a file without an end', () => {
  for (const file of [join(folder, 'members.json'), drainFile()]) symlinkSync('/dev/zero', file);
  const why = 'it is longer than 1 MiB';
  const told: DiscoveryChange[] = [];
  const saved = new SavedMembers(folder, (change) => told.push(change));
  expect(saved.load(['http'])).toEqual([]);
  expect(told).toEqual([{ kind: 'state-failing', doing: 'reading', file: saved.file, why }]);
  expect(new Drains(folder).load()).toMatchObject({ drains: [], unusable: [{ why }] });
});

test('what is saved is what is loaded', async () => {
  const valid = fc.record({
    name: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
    scheme: fc.constantFrom('http' as const, 'https' as const),
    host: fc.ipV4().filter((ip) => ip !== '0.0.0.0'),
    port: fc.integer({ min: 1, max: 65_535 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(valid, { minLength: 1, maxLength: 5 }), async (places) => {
      const saved = new SavedMembers(folder, () => {});
      await saved.save(places);
      expect(new SavedMembers(folder, () => {}).load(['http', 'https'])).toMatchObject(places);
    }),
    { numRuns: 100 },
  );
});
