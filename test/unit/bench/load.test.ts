/** What the load tools print, read. The texts are from h2load 1.52 and wrk 4.1, shortened. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseH2load, parseLog } from '../../bench/load/h2load-output.ts';
import { rangeFile } from '../../bench/load/requests.ts';
import { parseWrk } from '../../bench/load/wrk-output.ts';

const h2load = `starting benchmark...
spawning thread #0: 8 total client(s). 6000 total requests
Application protocol: h2c
progress: 10% done
progress: 100% done

finished in 3.01s, 1996.18 req/s, 144.49KB/s
requests: 6000 total, 6000 started, 6000 done, 5999 succeeded, 1 failed, 0 errored, 0 timeout
status codes: 5999 2xx, 0 3xx, 0 4xx, 1 5xx
traffic: 434.30KB (444722) total, 11.81KB (12096) headers (space savings 94.69%), 181.64KB (186000) data
                     min         max         mean         sd        +/- sd
time for request:      361us     12.02ms      2.00ms      1.13ms    78.07%
`;

describe('h2load', () => {
  test('its result', () => {
    expect(parseH2load(h2load)).toEqual({
      ...{ duration: 3.01, perSecond: 1996.18, requests: 6_000, succeeded: 5_999, bytes: 444_722 },
    });
  });

  test.each([
    ['412.17ms', 0.412_17],
    ['980us', 0.000_98],
  ])('a duration of %s', (text, seconds) => {
    expect(parseH2load(h2load.replace('3.01s', text)).duration).toBeCloseTo(seconds, 9);
  });

  test('no result is an error with its last words', () => {
    expect(() => parseH2load('starting benchmark...\nconnect failed\n')).toThrow(
      'h2load printed no result: starting benchmark... | connect failed',
    );
  });

  test('its log: the time of each call', () => {
    expect(parseLog('1795398612623013\t200\t1515\n1795398612622966\t200\t5583\n')).toEqual([
      1_515, 5_583,
    ]);
    expect(parseLog('')).toEqual([]);
  });

  test('is given a frame with a serializable Range', () => {
    const folder = mkdtempSync(join(tmpdir(), 'etcd-lb-frame-'));
    const frame = readFileSync(rangeFile(folder, 'foo'));
    rmSync(folder, { recursive: true });
    expect(frame).toEqual(Buffer.from('\0\0\0\0\x07\n\x03foo\x38\x01', 'latin1'));
  });
});

describe('wrk', () => {
  const text = `Running 1s test @ http://127.0.0.1:2379/version
  1 threads and 8 connections
  5566 requests in 1.01s, 0.90MB read
Requests/sec:   5523.10
Transfer/sec:      0.89MB
`;

  test('its result', () => {
    expect(parseWrk(text)).toEqual({ requests: 5_566, duration: 1.01, failed: 0 });
  });

  test('its failures', () => {
    const errors = '  Socket errors: connect 1, read 20, write 0, timeout 3\n';
    const others = '  Non-2xx or 3xx responses: 100\n';
    expect(parseWrk(text.replace('Requests/sec', `${errors}${others}Requests/sec`)).failed).toBe(
      124,
    );
  });

  test('no result is an error', () => {
    expect(() => parseWrk('unable to connect\n')).toThrow(
      'wrk printed no result: unable to connect',
    );
  });
});
