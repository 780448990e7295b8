/**
 * One check against scripted peers: what a real etcd never does on demand. Real etcd is asked in
 * test/etcd. `requests` of a peer tells which connection asked for which path.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import net, { type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { Probe, type ProbeOptions } from '../../../src/health/probe.ts';
import { createCertificates, type KeyPairFiles } from '../../support/certificates.ts';
import { lookup } from '../../support/lookup.ts';

const noTls = {};

const probes: Probe[] = [];
afterEach(() => {
  for (const probe of probes.splice(0)) probe.close();
});

/** A probe whose checks all have the same bound, ms. */
function probe({ timeout = 2000, ...options }: Partial<ProbeOptions> & Given) {
  const made = new Probe({
    tls: () => noTls,
    lookup,
    isSelf: () => false,
    hasStalled: () => false,
    ...options,
  });
  probes.push(made);
  return {
    check: (onAnswer = () => {}) => made.check(timeout, onAnswer),
    close: () => made.close(),
  };
}

interface Given {
  readonly url: string;
  readonly timeout?: number;
}

interface Peer {
  readonly url: string;
  readonly port: number;
  /** `1 /readyz`: the first connection asked for /readyz. */
  readonly requests: readonly string[];
  readonly sockets: readonly Socket[];
  /** Cuts every connection and stops to listen. */
  close(): Promise<void>;
}

/** A server on loopback, closed at the end of the test. */
async function serve(server: http.Server, scheme: string, port = 0): Promise<Peer> {
  const requests: string[] = [];
  const sockets: Socket[] = [];
  server.on(scheme === 'https' ? 'secureConnection' : 'connection', (socket: Socket) =>
    sockets.push(socket),
  );
  server.prependListener('request', (request: http.IncomingMessage) => {
    requests.push(`${sockets.indexOf(request.socket) + 1} ${request.url}`);
  });
  await listen(server, port);
  const bound = server.address() as net.AddressInfo;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  onTestFinished(close);
  const url = `${scheme}://127.0.0.1:${bound.port}`;
  return { url, port: bound.port, requests, sockets, close };
}

async function listen(server: Server, port = 0): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

const peer = (listener: RequestListener, port?: number) =>
  serve(http.createServer(listener), 'http', port);

/** A peer that speaks no HTTP; `onConnection` does what it likes. */
async function rawPeer(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}).resume());
    onConnection(socket);
  });
  await listen(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

const ok: RequestListener = (_request, response) => void response.end('ok');
/** As etcd before 3.4.29: no /readyz. */
const oldEtcd: RequestListener = (request, response) => {
  response.writeHead(request.url === '/readyz' ? 404 : 200).end('{"health":"true"}');
};

describe('the answer', () => {
  test('200 passes, and says how long it took', async () => {
    const { url } = await peer((_request, response) => setTimeout(() => response.end('ok'), 30));
    const result = await probe({ url }).check();
    expect(result).toEqual({ ok: true, duration: expect.any(Number) });
    expect(result.duration).toBeGreaterThan(25);
    expect(result.duration).toBeLessThan(2000);
  });

  test('503 fails, with the text of etcd on one line', async () => {
    const { url } = await peer((_request, response) => {
      response.writeHead(503).end('[+]data_corruption ok\n[-]linearizable_read failed:  timeout\n');
    });
    expect(await probe({ url }).check()).toMatchObject({
      ok: false,
      failure: {
        reason: 'unhealthy',
        detail: 'answered 503: [+]data_corruption ok [-]linearizable_read failed: timeout',
      },
    });
  });

  test('an empty 500 fails with its number alone', async () => {
    const { url } = await peer((_request, response) => void response.writeHead(500).end());
    expect(await probe({ url }).check()).toMatchObject({ failure: { detail: 'answered 500' } });
  });

  test('a redirect or an empty success is not a 200', async () => {
    const { url } = await peer((_request, response) => void response.writeHead(204).end());
    expect(await probe({ url }).check()).toMatchObject({ failure: { reason: 'unhealthy' } });
  });

  test('of a long answer only the beginning is kept', async () => {
    const { url } = await peer((_request, response) => {
      response.writeHead(503).end('x'.repeat(1_000_000));
    });
    const result = await probe({ url }).check();
    expect(result.ok ? '' : result.failure.detail).toBe(`answered 503: ${'x'.repeat(160)}`);
  });

  test.each([
    [200, { reason: 'error', detail: 'its answer is longer than 65536 bytes' }],
    [503, { reason: 'unhealthy', detail: `answered 503: ${'x'.repeat(160)}` }],
  ])('an endless %d is not read to the end of time', async (status, failure) => {
    const closed = Promise.withResolvers<void>();
    const { url } = await peer((_request, response) => {
      response.writeHead(status).on('close', closed.resolve);
      const more = (error?: Error | null): void => {
        if (!error) response.write('x'.repeat(10_000), more);
      };
      more();
    });
    expect(await probe({ url, timeout: 20_000 }).check()).toMatchObject({ ok: false, failure });
    await closed.promise;
  });

  test('what is not HTTP fails', async () => {
    const url = await rawPeer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    expect(await probe({ url }).check()).toMatchObject({ ok: false, failure: { reason: 'error' } });
  });
});

describe('the path', () => {
  test('404 on /readyz is followed by /health?exclude=NOSPACE on the same connection, and remembered', async () => {
    const { url, requests } = await peer(oldEtcd);
    const checks = probe({ url });
    expect(await checks.check()).toMatchObject({ ok: true });
    expect(await checks.check()).toMatchObject({ ok: true });
    expect(requests).toEqual([
      '1 /readyz',
      '1 /health?exclude=NOSPACE',
      '1 /health?exclude=NOSPACE',
    ]);
  });

  test('/readyz is asked again after a reconnect', async () => {
    const { url, requests, sockets } = await peer(oldEtcd);
    const checks = probe({ url });
    await checks.check();
    const gone = once(sockets[0] as Socket, 'close');
    sockets[0]?.destroy();
    await gone;
    await checks.check(); // may still ask the old question, on the new connection
    await checks.check();
    expect(requests.filter((request) => request.startsWith('2'))).toContain('2 /readyz');
  });

  test('404 on both is unhealthy, and asked twice only', async () => {
    const { url, requests } = await peer((_request, response) => {
      response.writeHead(404).end('404 page not found');
    });
    expect(await probe({ url }).check()).toMatchObject({
      failure: { reason: 'unhealthy', detail: 'answered 404: 404 page not found' },
    });
    expect(requests).toEqual(['1 /readyz', '1 /health?exclude=NOSPACE']);
  });

  test('503 on /readyz does not ask elsewhere', async () => {
    const { url, requests } = await peer(
      (_request, response) => void response.writeHead(503).end(),
    );
    await probe({ url }).check();
    expect(requests).toEqual(['1 /readyz']);
  });
});

describe('the connection', () => {
  test('is one for many checks', async () => {
    const { url, sockets, requests } = await peer(ok);
    const checks = probe({ url });
    for (let n = 0; n < 50; n += 1) expect(await checks.check()).toMatchObject({ ok: true });
    expect(requests).toHaveLength(50);
    expect(sockets).toHaveLength(1);
  });

  test('closed by the member between two checks is not a failure, even if not yet noticed', async () => {
    const { url, sockets } = await peer(ok);
    const checks = probe({ url });
    for (let n = 0; n < 20; n += 1) {
      expect(await checks.check()).toMatchObject({ ok: true });
      sockets.at(-1)?.resetAndDestroy(); // the next check starts in this very tick
    }
    expect(await checks.check()).toMatchObject({ ok: true });
  });

  test('to a member restarted on the same port is made anew', async () => {
    const first = await peer(ok);
    const checks = probe({ url: first.url });
    expect(await checks.check()).toMatchObject({ ok: true });
    await first.close();
    expect(await checks.check()).toMatchObject({ ok: false, failure: { reason: 'refused' } });
    const second = await peer(ok, first.port);
    expect(await checks.check()).toMatchObject({ ok: true });
    expect(second.requests).toEqual(['1 /readyz']);
  });

  test('that is cut in the middle of a fresh check is a reset', async () => {
    const url = await rawPeer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await probe({ url }).check()).toMatchObject({ ok: false, failure: { reason: 'reset' } });
  });

  test('to a port where nobody listens is refused', async () => {
    expect(await probe({ url: 'http://127.0.0.1:1' }).check()).toMatchObject({
      failure: { reason: 'refused', detail: 'connect ECONNREFUSED 127.0.0.1:1' },
    });
  });

  test('to a name that does not resolve is dns', async () => {
    expect(await probe({ url: 'http://name.invalid:2379' }).check()).toMatchObject({
      failure: { reason: 'dns' },
    });
  });
});

describe('a member that is late', () => {
  test('is asked whether it runs, once, and its answer is told before the check has failed', async () => {
    const asked = await peer((request, response) => {
      if (request.url === '/version') response.writeHead(404).end();
    });
    const answered: string[] = [];
    const result = await probe({ url: asked.url, timeout: 250 }).check(() => answered.push('yes'));
    expect(result).toMatchObject({ ok: false, failure: { reason: 'timeout' } });
    expect(answered).toEqual(['yes']);
    expect(asked.requests).toEqual(['1 /readyz', '2 /version']);
  });

  test('is not taken to run when it says nothing to that either', async () => {
    const asked = await peer(() => {});
    const answered: string[] = [];
    await probe({ url: asked.url, timeout: 250 }).check(() => answered.push('yes'));
    expect(asked.requests).toEqual(['1 /readyz', '2 /version']);
    expect(answered).toEqual([]);
  });
});

describe('the timeout', () => {
  const timedOut = {
    ok: false,
    failure: { reason: 'timeout', detail: 'timed out after 250ms' },
  };

  test.each<[string, (socket: Socket) => void]>([
    ['accepts and says nothing', () => {}],
    ['stops within the head', (socket) => socket.write('HTTP/1.1 200 OK\r\n')],
    [
      'stops within the body',
      (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok'),
    ],
    [
      'sends a byte now and then',
      (socket) => {
        const drip = setInterval(() => socket.write('x'), 10);
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n');
        socket.on('close', () => clearInterval(drip));
      },
    ],
  ])('ends the check of a peer that %s, and its connection', async (_, onConnection) => {
    const closed = Promise.withResolvers<void>();
    const url = await rawPeer((socket) => {
      socket.on('close', closed.resolve);
      onConnection(socket);
    });
    const result = await probe({ url, timeout: 250 }).check();
    expect(result).toMatchObject(timedOut);
    expect(result.duration).toBeGreaterThan(240);
    expect(result.duration).toBeLessThan(2000);
    await closed.promise;
  });

  test('holds for a kept connection too, and the next check makes a new one', async () => {
    let silent = false;
    const { url, sockets } = await peer((_request, response) => {
      if (!silent) response.end('ok');
    });
    const checks = probe({ url, timeout: 250 });
    expect(await checks.check()).toMatchObject({ ok: true });
    silent = true;
    expect(await checks.check()).toMatchObject(timedOut);
    expect(sockets).toHaveLength(2); // not tried a second time, but asked whether it runs
    silent = false;
    expect(await checks.check()).toMatchObject({ ok: true });
    expect(sockets).toHaveLength(3);
  });

  test('covers both questions together', async () => {
    const { url } = await peer((request, response) => {
      setTimeout(() => oldEtcd(request, response), 100);
    });
    expect(await probe({ url, timeout: 150 }).check()).toMatchObject({
      failure: { reason: 'timeout' },
    });
  });
});

test('an endpoint that is the balancer itself never passes', async () => {
  const { url, port, sockets } = await peer(ok);
  const isSelf = (socket: Socket) => socket.remotePort === port;
  const checks = probe({ url, isSelf });
  const result = await checks.check();
  expect(result).toMatchObject({ ok: false, failure: { reason: 'self' } });
  expect(await checks.check()).toMatchObject({ failure: { reason: 'self' } });
  expect(sockets).toHaveLength(2); // the connection is not kept
});

describe('close', () => {
  test('ends a check in flight', async () => {
    const connected = Promise.withResolvers<Socket>();
    const url = await rawPeer(connected.resolve);
    const checks = probe({ url, timeout: 60_000 });
    const result = checks.check();
    const socket = await connected.promise;
    const closed = once(socket, 'close');
    checks.close();
    expect(await result).toMatchObject({ ok: false, failure: { detail: 'stopped' } });
    await closed;
  });

  test('closes the kept connection', async () => {
    const { url, sockets } = await peer(ok);
    const checks = probe({ url });
    await checks.check();
    const closed = once(sockets[0] as Socket, 'close');
    checks.close();
    await closed;
  });
});

describe('TLS', () => {
  async function pem({ cert, key }: KeyPairFiles) {
    const [certText, keyText] = await Promise.all([readFile(cert, 'utf8'), readFile(key, 'utf8')]);
    return { cert: certText, key: keyText };
  }

  /** As etcd with --client-cert-auth: who has no certificate of the authority is turned away. */
  async function securePeer() {
    const certificates = await createCertificates();
    onTestFinished(() => certificates[Symbol.asyncDispose]());
    const ca = await readFile(certificates.ca, 'utf8');
    const options = { ...(await pem(certificates.server)), ca };
    const server = https.createServer(
      { ...options, requestCert: true, rejectUnauthorized: true },
      ok,
    );
    server.on('tlsClientError', () => {});
    const { url, sockets } = await serve(server, 'https');
    return { url, sockets, ca, certificates };
  }

  test('with a client certificate passes, on one connection for many checks', async () => {
    const { url, sockets, ca, certificates } = await securePeer();
    const tls = { ca, ...(await pem(certificates.client)) };
    const checks = probe({ url, tls: () => tls });
    for (let n = 0; n < 5; n += 1) expect(await checks.check()).toMatchObject({ ok: true });
    expect(sockets).toHaveLength(1);
  });

  test('takes reloaded certificates from the next check on, with a new connection', async () => {
    const { url, sockets, ca, certificates } = await securePeer();
    const good = { ca, ...(await pem(certificates.client)) };
    let tls: object = good;
    const checks = probe({ url, tls: () => tls });
    expect(await checks.check()).toMatchObject({ ok: true });
    tls = { ca: await readFile(certificates.otherCa, 'utf8') };
    expect(await checks.check()).toMatchObject({ ok: false, failure: { reason: 'tls' } });
    tls = { ...good };
    expect(await checks.check()).toMatchObject({ ok: true });
    expect(sockets).toHaveLength(2); // those that were accepted
    expect(sockets[0]?.destroyed).toBe(true);
  });

  test('without the client certificate that the member asks for fails', async () => {
    const { url, ca } = await securePeer();
    const tls = { ca };
    expect(await probe({ url, tls: () => tls }).check()).toMatchObject({
      ok: false,
      failure: { reason: 'tls' },
    });
  });

  test('a member signed by a stranger, or not trusted at all, fails with the reason', async () => {
    const { url, certificates } = await securePeer();
    const otherCa = await readFile(certificates.otherCa, 'utf8');
    for (const tls of [{ ca: otherCa }, {}]) {
      const result = await probe({ url, tls: () => tls }).check();
      expect(result).toMatchObject({ ok: false, failure: { reason: 'tls' } });
      expect(result.ok ? '' : result.failure.detail).toMatch(/certificate/);
    }
  });

  test('a plain check of a TLS port fails', async () => {
    const { url } = await securePeer();
    const result = await probe({ url: url.replace('https', 'http') }).check();
    expect(result.ok).toBe(false);
  });
});
