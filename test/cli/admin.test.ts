/** The admin socket and the commands that use it, as an operator meets them. */

import { once } from 'node:events';
import { lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingMessage } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { AdminClient } from '../../src/admin/client.ts';
import { usualAdminSocket } from '../../src/config/values/listen.ts';
import { Balancer, etcdLb } from '../support/balancer.ts';
import { ask, connect } from './client.ts';
import { EchoMember } from './echo-member.ts';

/** A busy machine needs more than the second that is usual. */
const patience = { timeout: 20_000 };

let member: EchoMember;
beforeAll(async () => {
  member = await EchoMember.start();
});
afterAll(() => member[Symbol.asyncDispose]());

let parts: AsyncDisposableStack;
let folder: string;
let socket: string;
beforeEach(async () => {
  parts = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), 'etcd-lb-admin-'));
  parts.defer(() => rm(folder, { recursive: true }));
  socket = join(folder, 'admin.sock');
});
afterEach(() => parts.disposeAsync());

async function start(...flags: string[]): Promise<Balancer> {
  const args = [...member.flags, '--admin-socket', socket, ...flags];
  const balancer = parts.use(await Balancer.start(args));
  await balancer.healthy(['m0']);
  return balancer;
}

const command = (...args: string[]) => etcdLb([...args, '--admin-socket', socket]);

describe('the socket', () => {
  test("is its owner's alone while it runs, and gone afterwards", async () => {
    const balancer = await start();
    const { mode } = await lstat(socket);
    expect((mode & 0o777).toString(8)).toBe('600');
    expect(await balancer.stop()).toMatchObject({ code: 0 });
    expect(await readdir(folder)).toEqual([]);
  });

  test('takes the place of one that a dead process has left', async () => {
    const first = await start();
    first.signal('SIGKILL');
    await first.exited;
    expect(await readdir(folder)).toEqual(['admin.sock']);
    await start();
    expect((await command('status')).code).toBe(0);
  });

  test('of a living process stays its own: a second one is refused and names the path', async () => {
    await start();
    const second = await etcdLb([
      ...['run', ...member.flags, '--listen', '127.0.0.1:0', '--observe', 'off'],
      ...['--admin-socket', socket],
    ]);
    expect(second).toMatchObject({
      code: 2,
      stderr: `etcd-lb: --admin-socket: unix:${socket} is in use by another process; stop it or choose another path.\n`,
    });
    expect((await command('status')).code).toBe(0);
  });

  test('that cannot be opened starts nothing where it was asked for, and is only told of where it is usual', async () => {
    const run = (...flags: string[]) =>
      etcdLb(['run', ...member.flags, '--listen', '127.0.0.1:0', '--observe', 'off', ...flags]);
    const missing = join(folder, 'none/admin.sock');
    expect(await run('--admin-socket', missing)).toMatchObject({
      code: 2,
      stderr: `etcd-lb: --admin-socket: the folder of unix:${missing} does not exist; create it or choose another path.\n`,
    });
    await writeFile(socket, '');
    expect((await run('--admin-socket', socket)).stderr).toMatch(/exists and is not a socket/);
    const first = parts.use(await Balancer.start([...member.flags, '--admin-socket', 'auto']));
    const second = parts.use(await Balancer.start([...member.flags, '--admin-socket', 'auto']));
    const line = await second.logged(({ event }) => event === 'admin-unavailable');
    expect(line.msg).toContain(`${usualAdminSocket} is in use by another process`);
    await Promise.all([first, second].map((balancer) => balancer.healthy(['m0'])));
  });
});

describe('the API', () => {
  const refusals: readonly (readonly [
    string,
    string,
    string | undefined,
    number,
    string | RegExp,
  ])[] = [
    ['GET', '/v1/nothing', undefined, 404, 'GET /v1/nothing does not exist'],
    ['POST', '/v1/members/m9/drain', '{}', 404, 'm9 is not a member; did you mean m0?'],
    ['POST', '/v1/members/m0/drain', '{', 400, 'The body is not JSON; send an object such as {}.'],
    ['POST', '/v1/members/m0/drain', '{"timeout":-1}', 400, /^timeout: /],
    ['POST', '/v1/members/m0/drain', '{"forse":true}', 400, /^The body: /],
    ['POST', '/v1/members/m0/drain', '{}', 409, /^m0 is the last member that can be used/],
    ['POST', '/v1/members/m0/undrain', '', 409, 'm0 is not drained'],
    ['POST', '/v1/sessions/x/close', '', 400, 'x is not a session id; see etcd-lb sessions.'],
    ['POST', '/v1/sessions/7/close', '', 404, 'There is no session 7; see etcd-lb sessions.'],
    ['POST', '/v1/log-level', '{"level":"loud"}', 400, /^level: /],
    ['GET', '/v1/sessions?member=m9', undefined, 404, /^m9 is not a member/],
  ];
  test('refuses with a code and one sentence', async () => {
    await start();
    for (const [method, path, body, code, error] of refusals) {
      const answer = await request(method, path, body);
      expect({ path, body, code: answer.code }).toEqual({ path, body, code });
      expect(JSON.parse(answer.body).error).toMatch(error);
    }
  });

  test('goes on after a request that makes no sense', async () => {
    await start();
    const client = net.connect({ path: socket });
    client.on('error', () => {});
    client.resume();
    client.write('GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(client, 'close');
    expect((await request('GET', '/v1/status')).code).toBe(200);
  });

  test('of a process that is stopping accepts nothing but the closing of a session', async () => {
    const balancer = await start('--drain-timeout', '10m');
    const client = await connect(balancer.address);
    // Its echo is too short for an answer (byte-counts.ts): a question that is open keeps its session.
    await ask(client, 'x'.repeat(40));
    balancer.signal('SIGTERM');
    await balancer.logged(({ event }) => event === 'stopping');
    const error = `This etcd-lb (process ${balancer.pid}) is stopping and accepts no operations; ask its successor, or ask again after a restart.`;
    for (const order of [
      'members/m0/drain',
      'members/m0/undrain',
      'rebalance',
      'reload',
      'log-level',
      'leader/move',
    ]) {
      const answer = await request('POST', `/v1/${order}`, '{}');
      expect({ order, ...answer }).toEqual({ order, code: 409, body: JSON.stringify({ error }) });
    }
    expect(await command('drain', 'm0', '--force')).toMatchObject({
      code: 1,
      stderr: `etcd-lb: ${error}\n`,
    });
    const { body } = await request('GET', '/v1/sessions');
    const [{ id }] = JSON.parse(body);
    expect(await request('POST', `/v1/sessions/${id}/close`, '{}')).toMatchObject({ code: 200 });
    expect(await balancer.exited).toMatchObject({ code: 0 });
  });

  test('streams what has happened and what happens, each once, and ends with the process', async () => {
    const balancer = await start();
    const client = new AdminClient(socket);
    const kinds: string[] = [];
    const ended = (async () => {
      for await (const { kind } of client.events(new AbortController().signal)) kinds.push(kind);
    })().catch(() => {});
    await vi.waitUntil(() => kinds.includes('mode-changed'), patience);
    await client.post('/v1/log-level', { level: 'debug' });
    await vi.waitUntil(() => kinds.includes('log-level-changed'), patience);
    expect(kinds.filter((kind) => kind === 'started')).toHaveLength(1);
    await balancer.stop();
    await ended;
  });
});

test('two processes with one state directory forget no drain, and follow each other', async () => {
  const [, endpoint = '', ...rest] = member.flags;
  // No client comes, so that two of the three need not be there.
  const endpoints = `${endpoint},m1=http://127.0.0.1:1,m2=http://127.0.0.1:2`;
  const run = async (name: string): Promise<{ balancer: Balancer; admin: AdminClient }> => {
    const path = join(folder, name);
    const args = ['--endpoints', endpoints, ...rest, '--state-dir', join(folder, 'state')];
    const balancer = parts.use(await Balancer.start([...args, '--admin-socket', path]));
    await balancer.healthy(['m0', 'm1', 'm2']);
    return { balancer, admin: new AdminClient(path) };
  };
  const drained = async ({ admin }: { admin: AdminClient }): Promise<string[]> => {
    const { members } = await admin.status();
    return members
      .filter((each) => each.drain !== undefined && !each.acceptsNew)
      .map(({ name }) => name);
  };
  const older = await run('older.sock');
  const younger = await run('younger.sock');
  await Promise.all([
    older.admin.post('/v1/members/m1/drain'),
    younger.admin.post('/v1/members/m2/drain'),
  ]);
  for (const each of [older, younger]) {
    await vi.waitUntil(async () => (await drained(each)).length === 2, patience);
    expect(await drained(each)).toEqual(['m1', 'm2']);
  }
  await older.balancer.stop();
  await younger.admin.post('/v1/members/m1/undrain');
  await younger.balancer.stop();
  const next = await run('next.sock');
  expect(await drained(next)).toEqual(['m2']);
  const told = next.balancer.log.find(({ event }) => event === 'drains-restored');
  expect(told?.['members']).toEqual(['m2']);
});

describe('the commands', () => {
  test('status shows each member, as a table and as JSON', async () => {
    await start();
    const { stdout, code } = await command('status');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^etcd-lb .* · normal · 0 of 10000 sessions · up \d/);
    expect(stdout).toMatch(/^MEMBER +ADDRESS +STATE +VERSION +SESSIONS/m);
    expect(stdout).toMatch(/^m0 +127\.0\.0\.1:\d+ +healthy +- +0 /m);
    const json = JSON.parse((await command('status', '--json')).stdout);
    expect(json.members).toMatchObject([{ name: 'm0', state: 'healthy' }]);
    expect((await command('status', '--names')).stdout).toBe('m0\n');
    const yaml = parse((await command('status', '-o', 'yaml')).stdout);
    expect(yaml).toMatchObject({ version: json.version, members: [{ name: 'm0' }] });
  });

  test('sessions lists clients by their address, and closes one', async () => {
    const balancer = await start();
    const client = await connect(balancer.address);
    await ask(client, 'hello');
    const { localPort } = client as net.Socket;
    const { stdout } = await command('sessions');
    const [, id = ''] =
      new RegExp(`^(\\d+) +m0 +127\\.0\\.0\\.1:${localPort} `, 'm').exec(stdout) ?? [];
    const [session] = JSON.parse((await command('sessions', '--json', '--member', 'm0')).stdout);
    expect(session).toMatchObject({ id: Number(id), bytesFromClient: 5, bytesFromMember: 5 });
    const asYaml = await command('sessions', '-o', 'yaml', '--member', 'm0');
    expect(parse(asYaml.stdout)).toMatchObject([{ id: Number(id), member: 'm0' }]);
    const closed = once(client, 'close');
    expect(await command('sessions', '--close', id)).toMatchObject({ code: 0 });
    await closed;
    const metric = 'etcd_lb_sessions_closed_total{member="m0",reason="operator"}';
    await vi.waitUntil(async () => (await balancer.metric(metric)) === 1, patience);
  });

  test('drain says what it did and why not, and undrain takes it back', async () => {
    await start();
    expect(await command('drain', 'm0')).toMatchObject({
      code: 1,
      stdout: '',
      stderr:
        'etcd-lb: m0 is the last member that can be used: without it clients have nowhere to go; undrain or fix another first, or give --force.\n',
    });
    expect(await command('drain', 'm0', '--force', '--wait', '--timeout', '1s')).toMatchObject({
      code: 0,
      stdout: 'm0 is drained: no new connections.\nm0 has no session left.\n',
      stderr:
        'etcd-lb: A restart of etcd-lb forgets the drain, since there is no --state-dir to keep it in.\n',
    });
    expect((await command('status')).stdout).toMatch(/^m0 +127\.0\.0\.1:\d+ +healthy, drained /m);
    expect((await command('events', '--member', 'm0')).stdout).toMatch(
      /m0 is drained by an operator/,
    );
    expect(await command('undrain', 'm0')).toMatchObject({ code: 0, stderr: '' });
    expect((await command('drain', 'm0', '--timeout', '5')).stderr).toBe(
      'etcd-lb: --timeout: "5" has no unit; write 2s or 250ms.\n',
    );
  });

  test('events prints each as a line of JSON, or as a document of YAML', async () => {
    await start();
    const lines = (await command('events', '-o', 'json')).stdout.trimEnd().split('\n');
    const events = lines.map((line) => JSON.parse(line));
    expect(events).toContainEqual(expect.objectContaining({ kind: 'started' }));
    const documents = parseAllDocuments((await command('events', '-o', 'yaml')).stdout);
    expect(documents.map((document) => document.toJS()).slice(0, events.length)).toEqual(events);
  });

  test('status --exit-code says how things are, and 3 where nobody answers', async () => {
    expect(await command('status', '--exit-code')).toMatchObject({ code: 3, stdout: '' });
    expect(await command('status', '--exit-code', '--frob')).toMatchObject({ code: 3 });
    const well = await start('--inspect-interval', '0');
    expect(await command('status', '--exit-code')).toMatchObject({ code: 0, stderr: '' });
    expect(await command('status', '--exit-code', '-o', 'json')).toMatchObject({ code: 0 });
    await well.stop();
    const nobody = ['--endpoints', 'm0=http://127.0.0.1:1', '--admin-socket', socket];
    const sick = parts.use(await Balancer.start(nobody));
    await sick.reached('m0', 'failed');
    expect(await command('status', '--exit-code')).toMatchObject({ code: 2, stderr: '' });
    expect(await command('status')).toMatchObject({ code: 0, stderr: '' });
  });

  test('rebalance, reload and log-level say what came of it', async () => {
    await start('--balance', 'least-connections');
    expect((await command('rebalance')).stdout).toBe('The members are even already.\n');
    expect((await command('reload')).stdout).toBe('Nothing has changed.\n');
    expect((await command('log-level', 'debug')).stdout).toMatch(/^The log level is debug/);
    expect((await command('log-level', 'loud')).code).toBe(2);
  });

  test('rebalance tells of who starts slowly and so is due less', async () => {
    await start();
    await command('drain', 'm0', '--force');
    await command('undrain', 'm0');
    expect((await command('rebalance')).stdout).toBe(
      'No session has to move now.\nThe share of m0 is smaller until --slow-start is over.\n',
    );
  });

  test('rebalance is refused under a policy that would not keep what it moved', async () => {
    await start('--balance', 'round-robin');
    expect((await command('rebalance')).stderr).toMatch(/^etcd-lb: Under --balance round-robin/);
  });

  test('say which socket was tried, and why nobody answers there', async () => {
    expect(await command('status')).toMatchObject({
      code: 1,
      stderr: `etcd-lb: There is no admin socket ${socket}: start etcd-lb, or give the path that its log or --admin-socket names.\n`,
    });
    const balancer = await start();
    balancer.signal('SIGKILL');
    await balancer.exited;
    expect((await command('drain', 'm0')).stderr).toBe(
      `etcd-lb: Nobody listens on ${socket}: its etcd-lb has ended; start it again.\n`,
    );
    expect((await etcdLb(['status', '--admin-socket', 'off'])).stderr).toMatch(/is off/);
  });

  test.each(['bash', 'zsh', 'fish'])('completion for %s knows every command', async (shell) => {
    const { stdout } = await etcdLb(['completion', shell]);
    const { stdout: help } = await etcdLb(['--help']);
    const commands = [...help.matchAll(/^ {2}([a-z][a-z-]*)(?: |\n)/gm)].map(([, name]) => name);
    expect(commands.length).toBeGreaterThan(10);
    for (const name of commands) expect(stdout).toContain(name);
  });
});

interface Answer {
  readonly code: number;
  readonly body: string;
}

async function request(method: string, path: string, body?: string): Promise<Answer> {
  const sent = http.request({ socketPath: socket, method, path });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { code: response.statusCode ?? 0, body: text };
}
