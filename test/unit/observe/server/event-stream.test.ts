/** The stream of `/events` as its readers get it, over real connections. */
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Member } from '../../../../src/members/member.ts';
import { CheckHistory } from '../../../../src/observe/check-history.ts';
import { EventLog } from '../../../../src/observe/events/event-log.ts';
import { EventStreams, maxStreams } from '../../../../src/observe/server/event-stream.ts';
import type { Status } from '../../../../src/observe/status.ts';
import { aMember, note } from '../../../support/members.ts';

interface Message {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

let parts: AsyncDisposableStack;
let events: EventLog;
let member: Member;
let streams: EventStreams;
let statuses: number;
let port: number;

beforeEach(async () => {
  parts = new AsyncDisposableStack();
  events = new EventLog();
  member = aMember('m0');
  statuses = 0;
  streams = new EventStreams({
    status: () => {
      statuses += 1;
      return { mode: 'normal', sessions: statuses, events: [] } as unknown as Status;
    },
    events,
    checks: new CheckHistory(() => [member]),
  });
  const server = http.createServer((request, response) => {
    if (!streams.open(request, response)) response.writeHead(503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  parts.defer(() => {
    streams.close();
    server.close();
    server.closeAllConnections();
  });
});
afterEach(() => parts.disposeAsync());

function happens(why: string): void {
  events.record({ kind: 'observe-waits', why });
}

/** What such an event was told with. */
function whyOf({ data }: Message): string | undefined {
  return String(data['message']).split(': ').at(-1);
}

class Reader {
  readonly messages: Message[] = [];
  readonly response: IncomingMessage;
  readonly ended: Promise<unknown>;

  static async open(headers: Record<string, string> = {}): Promise<Reader> {
    const request = http.get({ port, host: '127.0.0.1', headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return new Reader(response);
  }

  private constructor(response: IncomingMessage) {
    this.response = response;
    this.ended = once(response, 'close');
    response.on('error', () => {});
    let event = '';
    let id: string | undefined;
    createInterface({ input: response }).on('line', (line) => {
      const [, field, value = ''] = /^(\w+): (.*)$/.exec(line) ?? [];
      if (field === 'id') id = value;
      if (field === 'event') event = value;
      if (field === 'data') {
        this.messages.push({ event, id, data: JSON.parse(value) });
        id = undefined;
      }
    });
  }

  of(event: string): readonly Message[] {
    return this.messages.filter((message) => message.event === event);
  }

  async has(event: string, count: number): Promise<readonly Message[]> {
    await vi.waitUntil(() => this.of(event).length >= count, { interval: 5, timeout: 10_000 });
    return this.of(event);
  }
}

test('begins with the events that are kept, the checks and the status', async () => {
  happens('first');
  happens('second');
  note(member, { at: 5, ok: true, duration: 1 });
  const reader = await Reader.open();
  await reader.has('status', 1);
  expect(reader.response.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store, no-transform',
  });
  expect(reader.messages.map(({ event }) => event)).toEqual(['event', 'event', 'checks', 'status']);
  expect(reader.of('event')[1]).toMatchObject({
    id: expect.stringMatching(/^\w+-2$/),
    data: {
      message: expect.stringMatching(/^the observe listener .* has ended: second$/),
      kind: 'observe-waits',
      level: 'warn',
      fields: {},
    },
  });
  expect(reader.of('checks')[0]?.data).toEqual({ m0: [{ at: 5, duration: 1, ok: true }] });
  const status = reader.of('status')[0]?.data;
  expect(status).toEqual({ at: expect.any(String), mode: 'normal', sessions: 1 });
});

test('tells an event at once, and one status for many of them', async () => {
  const reader = await Reader.open();
  await reader.has('status', 1);
  for (let each = 0; each < 50; each += 1) happens(`${each}`);
  const told = await reader.has('event', 50);
  expect(told.map(whyOf)).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`));
  await reader.has('status', 2);
  // All fifty came before it, and there was one only.
  expect(reader.messages.findLastIndex(({ event }) => event === 'event')).toBeLessThan(
    reader.messages.findLastIndex(({ event }) => event === 'status'),
  );
  expect(statuses).toBe(2);
  // The next one waits, though something happens.
  happens('soon after');
  const [, second, third] = (await reader.has('status', 3)).map(({ data }) =>
    Date.parse(String(data['at'])),
  );
  expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(95);
});

test('goes on by itself, with the checks since', async () => {
  note(member, { at: 5, ok: true, duration: 1 });
  const reader = await Reader.open();
  await reader.has('status', 1);
  note(member, { at: 7, ok: true, duration: 2 });
  await reader.has('status', 2);
  expect(reader.of('checks').map(({ data }) => data)).toEqual([
    { m0: [{ at: 5, duration: 1, ok: true }] },
    { m0: [{ at: 7, duration: 2, ok: true }] },
  ]);
});

test('goes on after the last event that a reader has', async () => {
  for (const name of ['a', 'b', 'c']) happens(name);
  const first = await Reader.open();
  const [, second] = await first.has('event', 3);
  const again = await Reader.open({ 'last-event-id': second?.id ?? '' });
  await again.has('status', 1);
  expect(again.of('event').map(whyOf)).toEqual(['c']);
});

test.each(['other-2', 'nonsense', '-', ''])(
  'begins anew after %j, which is of no event of this run',
  async (id) => {
    for (const name of ['a', 'b']) happens(name);
    const reader = await Reader.open({ 'last-event-id': id });
    await reader.has('status', 1);
    expect(reader.of('event')).toHaveLength(2);
  },
);

test('resumes from what is kept when more has happened since', async () => {
  happens('long ago');
  const first = await Reader.open();
  const [old] = await first.has('event', 1);
  for (let each = 0; each < 310; each += 1) happens(`${each}`);
  const again = await Reader.open({ 'last-event-id': old?.id ?? '' });
  await again.has('status', 1);
  expect(again.of('event').map(whyOf)).toEqual(Array.from({ length: 300 }, (_, n) => `${n + 10}`));
});

test('has one timer while somebody listens, and none else', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }); // so that only those of the streams are counted
  parts.defer(() => void vi.useRealTimers());
  happens('unheard');
  expect([vi.getTimerCount(), statuses]).toEqual([0, 0]);
  const [one, other] = [await Reader.open(), await Reader.open()];
  await Promise.all([one.has('status', 1), other.has('status', 1)]);
  happens('heard');
  expect(vi.getTimerCount()).toBe(1);
  one.response.destroy();
  other.response.destroy();
  await vi.waitUntil(() => vi.getTimerCount() === 0, { interval: 5 });
});

test('skips and at last drops who does not read, and holds little for him', async () => {
  const deaf = net.connect(port, '127.0.0.1');
  deaf.on('error', () => {});
  deaf.write('GET /events HTTP/1.1\r\nhost: x\r\n\r\n');
  await once(deaf, 'readable');
  const gone = once(deaf, 'close');
  const reader = await Reader.open();
  await reader.has('status', 1);
  // More than the kernel holds for both ends, and than may wait here.
  const text = 'x'.repeat(64 * 1024);
  for (let each = 1; each <= 400; each += 1) {
    happens(text);
    if (each % 8 === 0) await reader.has('event', each); // who does read has them all
  }
  deaf.resume();
  await gone;
  expect(deaf.bytesRead).toBeLessThan(400 * text.length);
  expect(reader.of('event')).toHaveLength(400);
});

test('has room for so many', async () => {
  const readers = await Promise.all(Array.from({ length: maxStreams }, () => Reader.open()));
  const refused = await Reader.open();
  expect(refused.response.statusCode).toBe(503);
  readers[0]?.response.destroy();
  const isOpen = async () => (await Reader.open()).response.statusCode === 200;
  await vi.waitUntil(isOpen, { interval: 5, timeout: 10_000 });
});

test('ends for everybody', async () => {
  const reader = await Reader.open();
  await reader.has('status', 1);
  streams.close();
  await reader.ended;
  happens('after the end');
});
