/**
 * What the documents say is what the program does: the README's tables, the example configuration,
 * the files both mention, and the versions in the Dockerfile.
 */

import { existsSync, globSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { createPolicy } from '../../src/balancing/policies/policies.ts';
import { createProgram } from '../../src/cli/program.ts';
import { loadSettings } from '../../src/config/load.ts';
import { envName, groups, options } from '../../src/config/options.ts';
import { Monitor } from '../../src/health/monitor.ts';
import { healthStates, unknownHealth } from '../../src/health/state/health.ts';
import { Metrics } from '../../src/observe/metrics/metrics.ts';
import { DataPath } from '../../src/proxy/data-path.ts';
import { copyThroughStreams } from '../../src/proxy/relay/streams.ts';
import type { SnapshotView } from '../../src/snapshot/schedule/scheduled.ts';
import { dataPathSettings } from '../support/data-path-settings.ts';
import { someFacts, undescribed } from '../support/described-cluster.ts';
import { lookup } from '../support/lookup.ts';
import { aMember, checkSettings } from '../support/members.ts';
import { folderWith } from '../unit/config/folder.ts';
import { makePair } from '../unit/config/pem.ts';

const noTls = {};
const program = createProgram();
const isOutput = ({ long }: { readonly long?: string | undefined }) => long === '--output';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const examplePath = 'config/etcd-lb.example.yaml';
const pages = globSync(['*.md', 'docs/*.md'], { cwd: root });
/** Flags of other programs. */
const ofOthers = new Set([
  ...['etcd-servers', 'etcd-cafile', 'etcd-certfile', 'etcd-keyfile'], // kube-apiserver
  ...['listen-metrics-urls', 'peer-urls', 'learner', 'command-timeout'], // etcd and etcdctl
  ...['initial-cluster', 'initial-cluster-state', 'quota-backend-bytes'], // etcd
  ...['listen-client-urls', 'advertise-client-urls', 'client-cert-auth', 'trusted-ca-file'], // etcd
  ...['cert-file', 'key-file', 'peer-cert-file', 'peer-key-file'], // etcd
  ...['peer-trusted-ca-file', 'peer-client-cert-auth', 'listen-peer-urls'], // etcd
  'next-cluster-version-compatible', // etcd
  ...['heartbeat-interval', 'election-timeout', 'cluster'], // etcd and etcdctl
  ...['initial-cluster-token', 'initial-advertise-peer-urls', 'data-dir', 'name'], // etcd and etcdctl
  ...['force-new-cluster', 'bump-revision', 'mark-compacted'], // etcd and etcdutl
  ...['raw', 'control-plane', 'unix-socket', 'now', 'node-ip', 'server', 'full'], // kubectl, kubeadm, curl, systemctl, kubelet
  ...['read-only', 'network', 'ulimit'], // docker
  ...['faults', 'seed', 'schedules'], // npm run chaos
  ...['members', 'once', 'verify'], // npm start, npm run release
]);

test('docs/operations.md lists the settings that only a restart changes', () => {
  const [, listed = ''] =
    /- Only a restart changes ([\s\S]*?)\.\n/.exec(read('docs/operations.md')) ?? [];
  const fixed = options.filter((option) => option.fixed).map(({ name }) => name);
  expect([...listed.matchAll(/`([\w-]+)`/g)].map(([, name]) => name)).toEqual(fixed);
});

describe('docs/settings.md', () => {
  test('lists every flag under its group, with its default and help, and no other', () => {
    const tables = tablesIn('docs/settings.md', ['flag', 'default', 'what']);
    expect(tables).toEqual(
      groups.map((group) =>
        options
          .filter((option) => option.group === group)
          .map(({ name, default: value, help }) => [
            `\`--${name}\``,
            value ? `\`${value}\`` : 'none',
            help,
          ]),
      ),
    );
  });

  test('shows a flag in its three spellings', () => {
    const name = 'check-interval';
    expect(read('docs/settings.md')).toContain(
      `\`--${name} 1s\`, \`${name}: 1s\`, \`${envName(name)}=1s\``,
    );
  });
});

test('docs/metrics.md lists every metric with its type, labels and help, and no other', async () => {
  expect(tablesIn('docs/metrics.md', ['metric', 'type', 'labels', 'what'])).toEqual([
    (await families()).map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', ') || 'none',
      help,
    ]),
  ]);
});

describe('docs/cli.md', () => {
  test('has a row for each exit code of run, check and status --exit-code', () => {
    const tables = tablesIn('docs/cli.md', ['code', 'meaning']);
    expect(tables.map((rows) => rows.map(([code]) => code))).toEqual([
      ['0', '1', '2', '130, 143'],
      ['0', '1', '2', '3'],
      ['0', '1', '2', '3'],
    ]);
  });

  test('has a row for every command, in the order of the help', () => {
    const [rows] = tablesIn('docs/cli.md', ['command', 'what it does']);
    const named = rows?.map(([command]) => /^`etcd-lb ([a-z-]+)/.exec(command ?? '')?.[1]);
    expect(named).toEqual(program.commands.map((command) => command.name()));
  });

  test('names where -o is taken', () => {
    const [rows] = tablesIn('docs/cli.md', ['flag', 'where', 'what']);
    const [, where = ''] = rows?.find(([flag]) => flag?.includes('--output')) ?? [];
    const taking = program.commands.filter(({ options }) => options.some(isOutput));
    expect(where.replaceAll('`', '').split(', ').toSorted()).toEqual(
      taking.map((command) => command.name()).toSorted(),
    );
  });

  test('has a row for every path of the admin API, with its method', () => {
    const heads = ['method', 'path', 'request', 'answer', 'errors'];
    const [rows] = tablesIn('docs/cli.md', heads);
    const named = rows?.map(([method, path]) => `${method} ${path?.replaceAll(/`|\{\w+\}/g, '')}`);
    const routes = [...read('src/admin/api.ts').matchAll(/api\.(get|post)\('(\/[^']*)'/g)];
    const [, events] =
      /url\?\.split\('\?'\)\[0\] !== '([^']*)'/.exec(read('src/admin/server.ts')) ?? [];
    const served = routes.map(
      ([, method, path]) => `${method?.toUpperCase()} ${path?.replaceAll(/:\w+/g, '')}`,
    );
    expect(served.length).toBeGreaterThan(5);
    expect(named?.toSorted()).toEqual([...served, `GET ${events}`].toSorted());
  });
});

test('docs/monitoring.md has a row for every path of the observe listener', () => {
  const [rows] = tablesIn('docs/monitoring.md', ['path', 'answer']);
  const paths = rows?.map(([path]) => path?.replaceAll('`', ''));
  const served = read('src/observe/server/http.ts').matchAll(/case '(\/\w*)':/g);
  expect(paths?.toSorted()).toEqual([...served].map(([, path]) => path).toSorted());
});

test('docs/how-it-decides.md draws every state of a member', () => {
  const picture = /```([\s\S]*?)```/.exec(read('docs/how-it-decides.md'))?.[1] ?? '';
  for (const state of healthStates) expect(picture).toContain(state);
});

test.each(pages)('%s names only flags that exist', (path) => {
  const ours = program.commands.flatMap((command) => command.options.map(({ long }) => long));
  const known = new Set(['--help', '--version', ...ours]);
  const named = [...read(path).matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([flag]) => flag);
  expect(named.filter((flag) => !known.has(flag) && !ofOthers.has(flag.slice(2)))).toEqual([]);
});

test.each(['README.md', 'CHANGELOG.md', examplePath, 'Dockerfile'])(
  '%s mentions only files that exist',
  (path) => {
    const text = read(path);
    const spoken = [
      ...text.matchAll(/(?<![\w./-])((?:src|test|config|\.ci)\/[\w./-]*\w|[A-Z]+\.md)/g),
    ].map(([, file = '']) => file);
    const built = [...text.matchAll(/dist\/[\w.-]*\w/g)].map(([file]) => file);
    if (path === 'README.md') expect(text).toContain(`](${examplePath})`);
    expect(spoken.filter((file) => !existsSync(join(root, file)))).toEqual([]);
    // The executable, the bundle, what is built beside it, and what `npm run release` makes.
    const beside = ['dist/NOTICE', 'dist/etcd-lb.cdx.json', 'dist/release'];
    const ours = ['dist/etcd-lb', manifest.bin['etcd-lb'], ...beside];
    expect(built.filter((file) => !ours.includes(file))).toEqual([]);
  },
);

describe(examplePath, () => {
  const example = read(examplePath);
  /** With every setting that is commented out put in force; the first line is for editors. */
  const whole = example.replaceAll(/^# (?=[a-z-]+: [^\s$]\S*$)/gm, '');
  const values = parse(whole, { schema: 'failsafe' }) as Record<string, string | string[]>;
  const load = (path: string) => loadSettings({ flags: { config: path }, env: {} });

  test('loads as it is', () => {
    const { settings } = load(join(root, examplePath));
    expect(settings.endpoints.map(({ name }) => name)).toEqual(['cp1', 'cp2', 'cp3']);
    expect(new Set(settings.endpoints.map(({ scheme }) => scheme))).toEqual(new Set(['https']));
  });

  test('loads with what is commented out, but for the files that are not here, and what goes with them', () => {
    const text = whole.replaceAll(
      /^(cacert|cert|key|tls-cert|tls-key|client-ca|allow-client|user|password-file): .*$/gm,
      '',
    );
    const path = join(folderWith({ 'etcd-lb.yaml': text }), 'etcd-lb.yaml');
    expect(load(path).settings.checkUrl).toBe(values['check-url']);
  });

  test('has every setting once, but the one that names the file', () => {
    const names = options.map(({ name }) => name).filter((name) => name !== 'config');
    expect(Object.keys(values).toSorted()).toEqual(names.toSorted());
  });

  test('shows the defaults, and comments out what has none', () => {
    const given = Object.keys(parse(example, { schema: 'failsafe' }));
    const withDefault = options.filter((option) => option.default !== undefined);
    for (const { name, default: value } of withDefault) expect(values[name], name).toBe(value);
    expect(given.toSorted()).toEqual(
      [...withDefault.map(({ name }) => name), 'endpoints'].toSorted(),
    );
  });
});

test('the Dockerfile has the pinned Node, this version, and the bundle with nothing beside it', () => {
  const dockerfile = read('Dockerfile');
  const [build = '', image = ''] = dockerfile.split(/^FROM .* AS build$|^FROM /m).slice(1);
  expect(dockerfile).toContain(`ARG NODE_TAG=${manifest.devDependencies.node}-bookworm-slim\n`);
  expect(dockerfile).toContain(`ARG VERSION=${manifest.version}\n`);
  expect(dockerfile).toContain(`image.licenses="${manifest.license}"`);
  expect(dockerfile).toContain(`image.description="${manifest.description}"`);
  expect(build).toContain(`npm run build && install -D ${manifest.bin['etcd-lb']} /app/etcd-lb.js`);
  expect(build).toContain('install -m 644 LICENSE dist/NOTICE dist/etcd-lb.cdx.json /app/\n');
  expect(image.match(/^COPY .*$/gm)).toEqual(['COPY --from=build /app /app']);
  expect(image).toContain('\nENTRYPOINT ["node", "/app/etcd-lb.js"]\n');
  expect(image).toContain('\n  CMD ["node", "/app/etcd-lb.js", "healthcheck"]\n');
  expect(image).toMatch(/^USER 1000:1000$/m);
});

test('the changelog begins with this version', () => {
  const [, version] = /^## (\d+\.\d+\.\d+)/m.exec(read('CHANGELOG.md')) ?? [];
  expect(version).toBe(manifest.version);
});

/** The cells of each of the page's tables with these column heads. */
function tablesIn(page: string, heads: readonly string[]): string[][][] {
  const [, ...tables] = read(page).split(`| ${heads.join(' | ')} |\n`);
  expect(tables.length, `tables with the columns ${heads.join(', ')}`).toBeGreaterThan(0);
  return tables.map((text) => {
    const rows = text.split('\n').slice(1);
    const end = rows.findIndex((line) => !line.startsWith('|'));
    return rows.slice(0, end).map((line) => line.slice(2, -2).split(' | '));
  });
}

interface Family {
  readonly name: string;
  help: string;
  type: string;
  labels: string[];
}

/** Our metric families as `/metrics` shows them, each with at least one series. */
async function families(): Promise<Family[]> {
  const byName = new Map<string, Family>();
  const family = (name: string): Family => {
    const known = byName.get(name) ?? { name, help: '', type: '', labels: [] };
    byName.set(name, known);
    return known;
  };
  for (const line of (await render()).split('\n')) {
    const [, comment, described = '', words = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (comment === 'HELP') family(described).help = words;
    if (comment === 'TYPE') family(described).type = words;
    const [, series = '', labels = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    const name = byName.has(series) ? series : series.replace(/_(bucket|sum|count)$/, '');
    if (!byName.has(name)) continue;
    const seen = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label);
    family(name).labels = [...new Set([...family(name).labels, ...seen])].filter(
      (label) => label !== 'le', // a histogram's own
    );
  }
  return [...byName.values()].filter(({ name }) => name.startsWith('etcd_lb_'));
}

const snapshotView: SnapshotView = {
  ...{ dir: '/backup', every: 1, nextAt: 2, newestAt: 1, failure: undefined },
  last: { file: 'a', from: 'm0', size: 1, durationMs: 1, at: 1 },
};

/** What a balancer that has seen a little of everything would answer; nothing is opened. */
async function render(): Promise<string> {
  const member = aMember('m0', { port: 1 });
  const ignore = (): void => {};
  const monitor = new Monitor({
    members: [member],
    settings: checkSettings(),
    tls: () => noTls,
    lookup,
    isSelf: () => false,
    hasStalled: () => false,
    isUnresponsive: () => false,
  });
  const proxy = new DataPath({
    policy: createPolicy('random'),
    snapshot: () => monitor.table.snapshot,
    settings: dataPathSettings({ followCalls: true }),
    lookup,
    connect: net.connect,
    isSelf: () => false,
    copy: copyThroughStreams,
    observer: { attempted: ignore, opened: ignore, ended: ignore, rejected: ignore },
  });
  const cluster = undescribed([member]);
  const alarms = [{ kind: 'NOSPACE', memberId: someFacts.memberId }];
  const known = { kind: 'known', status: { ...someFacts, dbQuota: 1, alarms } } as const;
  cluster.observe(member, known, 0);
  const { cert } = await makePair();
  const metrics = new Metrics();
  metrics.readFrom({
    ...{
      name: 'cp1',
      version: '0.0.0',
      members: () => [member],
      leaving: () => [],
      certificates: () => ({ members: { cert } }),
      monitor,
      cluster,
      hold: () => ({ limit: 0, current: undefined, last: undefined }),
      reload: () => ({ succeededAt: 0, last: undefined }),
      snapshots: () => snapshotView,
      lostLogLines: () => 0,
      proxy,
    },
  });
  metrics.checked(member, { ok: true, duration: 1 });
  metrics.polled(member, known);
  metrics.attempted(member, { result: 'connected', duration: 1 });
  metrics.sessionEnded(member, 1);
  const health = unknownHealth(0);
  metrics.hear({ kind: 'member-changed', member: 'm0', from: health, to: health, hold: 0 });
  return (await metrics.render()).text;
}
