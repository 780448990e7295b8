/** The observe listener as its visitors see it: paths, codes, types and bodies. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { SettingError } from '../../../../src/lib/setting-error.ts';
import type { RefusalReason } from '../../../../src/management/server.ts';
import { CheckHistory } from '../../../../src/observe/check-history.ts';
import { EventLog } from '../../../../src/observe/events/event-log.ts';
import { maxStreams } from '../../../../src/observe/server/event-stream.ts';
import {
  type ObserveOptions,
  type ObserveServer,
  openObserveServer,
} from '../../../../src/observe/server/http.ts';
import type { MemberReport, Status } from '../../../../src/observe/status.ts';

const member: MemberReport = {
  name: 'm0',
  endpoint: 'http://127.0.0.1:2379',
  checkUrl: 'http://127.0.0.1:2379',
  state: 'suspect',
  since: '2026-11-22T20:42:06.987Z',
  acceptsNew: false,
  evidence: {
    reason: 'timeout',
    detail: 'timed out after 700 ms',
    failedChecks: 1,
    since: '2026-11-22T20:42:06.987Z',
  },
  sessions: 0,
  sessionsOpened: 0,
  sessionsEnded: {
    'client-closed': 0,
    'member-closed': 0,
    'client-reset': 0,
    'member-reset': 0,
    evicted: 0,
    rebalanced: 0,
    removed: 0,
    drained: 0,
    operator: 0,
    paused: 0,
    shutdown: 0,
    silent: 0,
  },
  bytesFromClients: 0,
  bytesFromMember: 0,
};
const wellStatus: Status = {
  name: 'cp1',
  host: 'node-1',
  version: '1.2.3',
  node: 'v26.0.0',
  pid: 1,
  startedAt: '2026-11-22T20:00:00.000Z',
  listen: ['127.0.0.1:2379'],
  policy: 'random',
  copier: 'streams',
  mode: 'normal',
  stopping: false,
  sessions: 0,
  waitingClients: 0,
  maxConnections: 10_000,
  rejectedClients: {},
  failovers: 0,
  certificates: [],
  reload: { succeededAt: '2026-11-22T20:00:00.000Z' },
  absentDrains: [],
  leaving: [],
  hold: { limitMs: 4_000 },
  cluster: {
    clusterId: undefined,
    voters: [],
    learners: [],
    unstarted: [],
    quorum: 0,
    healthyVoters: 0,
    unseenVoters: 0,
    tolerance: 0,
    term: 0,
    disagreeing: [],
    alarms: [],
    versions: [],
    leaderChanges: 0,
  },
  members: [member],
  events: [],
};

const page = {
  '': { type: 'text/html; charset=utf-8', body: '<!doctype html>' },
  'page/page.js': { type: 'text/javascript; charset=utf-8', body: 'listen();' },
};

let server: ObserveServer | undefined;
let status = wellStatus;
let refused: RefusalReason[] = [];
afterEach(() => {
  server?.close();
  server = undefined;
  status = wellStatus;
  refused = [];
});

async function open(options: Partial<ObserveOptions> = {}): Promise<void> {
  server = await openObserveServer({
    host: '127.0.0.1',
    port: 0,
    status: () => status,
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
    stream: { status: () => status, events: new EventLog(), checks: new CheckHistory(() => []) },
    page: () => Promise.resolve(page),
    names: [],
    onRefused: (reason) => refused.push(reason),
    ...options,
  });
}

async function ask(path: string, method = 'GET', also: Record<string, string> = {}) {
  const url = `http://127.0.0.1:${server?.port}${path}`;
  const response = await fetch(url, { method, headers: { connection: 'close', ...also } });
  const { status: code, headers } = response;
  return { code, type: headers.get('content-type'), headers, body: await response.text() };
}

const text = 'text/plain; charset=utf-8';

describe('paths', () => {
  test('/livez is ok as long as somebody answers, whatever the state', async () => {
    await open();
    status = { ...wellStatus, mode: 'panic', stopping: true };
    expect(await ask('/livez')).toMatchObject({ code: 200, type: text, body: 'ok\n' });
    const verbose = await ask('/livez?verbose');
    expect(verbose).toMatchObject({ code: 200, type: 'application/json' });
    expect(JSON.parse(verbose.body)).toEqual({ alive: true });
  });

  test.each<[string, Partial<Status>, number, string]>([
    ['a healthy member', {}, 200, 'ok'],
    [
      'start-up',
      { mode: 'starting' },
      503,
      'no member is healthy, and some have not been checked yet',
    ],
    ['panic', { mode: 'panic' }, 503, 'no member is healthy'],
    ['shutdown', { stopping: true }, 503, 'stopping'],
    ['shutdown in panic', { stopping: true, mode: 'panic' }, 503, 'stopping'],
  ])('/readyz during %s', async (_, change, code, words) => {
    await open();
    status = { ...wellStatus, ...change };
    expect(await ask('/readyz')).toMatchObject({ code, type: text, body: `${words}\n` });
    const verbose = await ask('/readyz?verbose');
    expect(verbose).toMatchObject({ code, type: 'application/json' });
    expect(JSON.parse(verbose.body)).toEqual({
      ready: code === 200,
      ...(code === 200 ? {} : { reason: words }),
      mode: status.mode,
      members: [{ name: 'm0', state: 'suspect', evidence: member.evidence }],
    });
  });

  test('/status is the whole status as JSON, taken anew each time', async () => {
    await open();
    status = { ...wellStatus, sessions: 7 };
    const answer = await ask('/status');
    expect(answer).toMatchObject({ code: 200, type: 'application/json' });
    expect(JSON.parse(answer.body)).toEqual(status);
  });

  test('/metrics has the type that Prometheus wants', async () => {
    await open();
    expect(await ask('/metrics')).toMatchObject({
      code: 200,
      type: 'text/plain; version=0.0.4',
      body: 'up 1\n',
    });
  });

  test.each([
    '/nothing',
    '/page/',
    '/page/page.ts',
    '/page',
    '/metrics/',
    '/Livez',
    '/../livez/x',
    '/%ff',
    '//livez',
  ])('%s is not there', async (path) => {
    await open();
    expect(await ask(path)).toMatchObject({ code: 404, type: text });
  });

  test('neither is //', async () => {
    await open();
    expect(await ask('//')).toMatchObject({ code: 404, type: text });
  });

  test('nothing is to be cached', async () => {
    await open();
    for (const path of ['/livez', '/readyz', '/status', '/metrics', '/nothing']) {
      expect((await ask(path)).headers.get('cache-control')).toBe('no-store');
    }
  });
});

describe('the status page', () => {
  test('is a document and its files, each with its type', async () => {
    await open();
    expect(await ask('/')).toMatchObject({
      ...{ code: 200, type: 'text/html; charset=utf-8', body: '<!doctype html>' },
    });
    expect(await ask('/page/page.js')).toMatchObject({
      ...{ code: 200, type: 'text/javascript; charset=utf-8', body: 'listen();' },
    });
  });

  test('may load from here only, and be shown nowhere else', async () => {
    await open();
    for (const path of ['/', '/page/page.js']) {
      const { headers } = await ask(path);
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  test('is sent again only when it is another one', async () => {
    await open();
    const { headers } = await ask('/');
    const tag = headers.get('etag') ?? '';
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    expect(headers.get('cache-control')).toBe('no-cache');
    const known = { 'if-none-match': `W/"old", ${tag}` };
    expect(await ask('/', 'GET', known)).toMatchObject({ code: 304, body: '' });
    expect(await ask('/', 'GET', { 'if-none-match': '"old"' })).toMatchObject({ code: 200 });
    expect(await ask('/page/page.js', 'GET', known)).toMatchObject({ code: 200 });
    expect(await ask('/', 'HEAD')).toMatchObject({ code: 200, body: '' });
  });

  test('is got when it is asked for, once, and again after it could not be got', async () => {
    const answers = [Promise.reject(new Error('no sources')), Promise.resolve(page)];
    answers[0]?.catch(() => {});
    let asked = 0;
    await open({
      page: () => {
        asked += 1;
        return answers[asked - 1] ?? Promise.reject(new Error('asked too often'));
      },
    });
    for (const path of ['/livez', '/status', '/nothing', '/page']) await ask(path);
    expect(asked).toBe(0);
    expect(await ask('/')).toMatchObject({ code: 500, body: 'no sources\n' });
    expect(await ask('/')).toMatchObject({ code: 200 });
    expect(await ask('/page/page.js')).toMatchObject({ code: 200 });
    expect(asked).toBe(2);
  });
});

describe('/events', () => {
  test('is a stream, which ends when the listener is closed', async () => {
    await open();
    const response = await fetch(`http://127.0.0.1:${server?.port}/events`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const whole = response.text().catch(String);
    server?.close();
    expect(await whole).toBeTypeOf('string');
  });

  test('has its head for HEAD, and takes no place by that', async () => {
    await open();
    for (let asked = 0; asked < 2 * maxStreams; asked += 1) {
      expect((await ask('/events', 'HEAD')).code).toBe(200);
    }
  });

  test('is refused in one sentence when too many listen', async () => {
    await open();
    const url = `http://127.0.0.1:${server?.port}/events`;
    const given = await Promise.all(Array.from({ length: maxStreams }, () => fetch(url)));
    expect(new Set(given.map((response) => response.status))).toEqual(new Set([200]));
    const refused = await ask('/events');
    expect(refused).toMatchObject({
      code: 503,
      type: text,
      body: '32 streams are open, and no more may be; close a status page, or ask /status\n',
    });
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await ask('/livez')).toMatchObject({ code: 200 });
    await Promise.all(given.map((response) => response.body?.cancel()));
  });
});

describe('methods', () => {
  test('HEAD has the head of GET and no body', async () => {
    await open();
    status = { ...wellStatus, mode: 'panic' };
    expect(await ask('/readyz', 'HEAD')).toMatchObject({ code: 503, type: text, body: '' });
    expect(await ask('/metrics', 'HEAD')).toMatchObject({
      code: 200,
      type: 'text/plain; version=0.0.4',
      body: '',
    });
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])(
    '%s is refused: it can change nothing',
    async (method) => {
      await open();
      for (const path of ['/livez', '/metrics', '/nothing']) {
        const answer = await ask(path, method);
        expect(answer).toMatchObject({ code: 405, body: 'read-only: GET and HEAD\n' });
        expect(answer.headers.get('allow')).toBe('GET, HEAD');
      }
    },
  );
});

describe('trouble', () => {
  test('metrics that cannot be made are a 500 with the reason, and the rest works on', async () => {
    await open({ metrics: () => Promise.reject(new Error('no numbers')) });
    expect(await ask('/metrics')).toMatchObject({ code: 500, body: 'no numbers\n' });
    expect(await ask('/livez')).toMatchObject({ code: 200 });
  });

  test('so are metrics and a status that throw at once', async () => {
    await open({
      metrics: () => {
        throw new Error('no numbers');
      },
      status: () => {
        throw new Error('no status');
      },
    });
    expect(await ask('/metrics')).toMatchObject({ code: 500, body: 'no numbers\n' });
    expect(await ask('/readyz')).toMatchObject({ code: 500, body: 'no status\n' });
    expect(await ask('/status')).toMatchObject({ code: 500 });
  });

  test('a port in use is told in one sentence', async () => {
    const other = net.createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const error = await open({ port }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(SettingError);
    expect((error as Error).message).toBe(
      `127.0.0.1:${port} is in use by another process; stop it, choose another address, or write off`,
    );
    other.close();
  });

  test('so is an address of another host', async () => {
    await expect(open({ host: '192.0.2.1', port: 9379 })).rejects.toThrow(
      /^192\.0\.2\.1:9379 is not an address of this host; write one that is, or off$/,
    );
  });

  test('what cannot be opened leaves nothing behind that is told of events', async () => {
    await open();
    const events = new EventLog();
    const subscribe = vi.spyOn(events, 'subscribe');
    const stream = { status: () => status, events, checks: new CheckHistory(() => []) };
    const { port = 0 } = server ?? {};
    await expect(open({ port, stream })).rejects.toThrow('is in use');
    expect(subscribe).not.toHaveBeenCalled();
  });

  test('an IPv6 address is written in brackets', async () => {
    const other = net.createServer().listen(0, '::1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(open({ host: '::1', port })).rejects.toThrow(`[::1]:${port} is in use`);
    other.close();
  });
});

test('close ends connections, also of those who wait for an answer', async () => {
  const asked = Promise.withResolvers<void>();
  await open({
    metrics: () => {
      asked.resolve();
      return new Promise(() => {});
    },
  });
  const [idle, waiting] = [visitor('/livez'), visitor('/metrics')];
  await Promise.all([once(idle, 'data'), asked.promise]);
  const gone = [idle, waiting].map((socket) => once(socket, 'close'));
  server?.close();
  await Promise.all(gone);
});

/** A connection of its own, kept open, that has asked for a path. */
function visitor(path: string): net.Socket {
  const socket = net.connect(server?.port ?? 0, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  return socket.resume();
}
