import { describe, expect, test } from 'vitest';
import { findInMembers } from '../../../../src/diagnose/rules/members.ts';
import type { Failure } from '../../../../src/lib/net/failure.ts';
import { cluster, refused } from '../observations.ts';

const [m0, m1] = cluster(2);
if (m0 === undefined || m1 === undefined) throw new Error('no members');
const healthyMember = m0;

/** The finding about a member whose health check failed so; `known` if it answers over gRPC. */
function failing(failure: Failure, known = false) {
  const findings = findInMembers([
    { ...(known ? healthyMember : refused('m0')), health: { ok: false, duration: 1, failure } },
  ]);
  expect(findings).toHaveLength(1);
  return findings[0];
}

test('healthy members are no findings', () => {
  expect(findInMembers(cluster(3))).toEqual([]);
});

describe('a member that does not pass its health check', () => {
  test('has one finding, whatever else cannot be asked', () => {
    expect(findInMembers([refused('m0'), refused('m1')])).toMatchObject([
      {
        severity: 'error',
        subject: 'm0',
        seen: 'cannot be reached: connect ECONNREFUSED m0',
        mend: 'Start etcd there, or correct its address in --endpoints.',
      },
      { subject: 'm1' },
    ]);
  });

  test('but says what it is, is not healthy', () => {
    const failure = { reason: 'unhealthy', detail: 'answered 503: no leader' } as const;
    expect(failing(failure, true)).toMatchObject({
      severity: 'error',
      seen: 'not healthy: answered 503: no leader',
      mend: "Look into etcd's log there.",
    });
  });

  test('in time, and says what it is, has no firewall to blame', () => {
    const failure = { reason: 'timeout', detail: 'timed out after 2000 ms' } as const;
    expect(failing(failure, true)?.mend).toBe("Look into etcd's log there.");
  });

  test.each([
    ['timeout', 'timed out after 2000 ms', /firewall keeps this host from http:\/\/m0:2379/],
    ['dns', 'getaddrinfo ENOTFOUND m0', /name server/],
    ['tls', 'certificate has expired', /--cacert/],
    ['reset', 'socket hang up', /http or https/],
    ['unreachable', 'connect EHOSTUNREACH', /route/],
    ['unhealthy', 'answered 404: 404 page not found', /--check-url/],
    ['unhealthy', 'answered 400: Client sent an HTTP request to an HTTPS server.', /https:\/\//],
    ['error', 'Parse Error', /log/],
  ] as const)('for %s, %s, gets what mends that', (reason, detail, mend) => {
    expect(failing({ reason, detail })?.mend).toMatch(mend);
  });
});

test('what keeps a healthy member from being known is told', () => {
  const unknown = { kind: 'unknown', why: 'did not answer over gRPC within 2000 ms' } as const;
  const unread = { kind: 'unread', why: 'answered 404' } as const;
  expect(findInMembers([{ ...m0, poll: unknown, metrics: unread }])).toMatchObject([
    { severity: 'warning', seen: expect.stringContaining(unknown.why) },
    { severity: 'note', seen: '/metrics cannot be read: answered 404' },
  ]);
});

describe('a client port that is closed while --check-url says that all is well', () => {
  const closed = (failure: Failure) =>
    findInMembers([{ ...m0, clientPort: { kind: 'closed', failure } }]);

  test('is an error', () => {
    const detail = 'connect ECONNREFUSED m0';
    expect(closed({ reason: 'refused', detail })).toMatchObject([
      {
        severity: 'error',
        seen: `healthy by --check-url, but clients cannot reach it: ${detail}`,
        mend: 'Start etcd there, or correct its address in --endpoints.',
      },
    ]);
  });

  test('is none to those with a certificate', () => {
    expect(closed({ reason: 'tls', detail: 'certificate required' })).toEqual([]);
  });
});

test('two endpoints of one member are told', () => {
  expect(findInMembers([m0, m1, { ...m0, name: 'again' }])).toMatchObject([
    { severity: 'warning', subject: 'again', seen: 'the same member as m0' },
  ]);
});
