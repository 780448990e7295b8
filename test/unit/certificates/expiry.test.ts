import { expect, test } from 'vitest';
import { certificatesInUse, expiriesOf } from '../../../src/certificates/expiry.ts';
import { makePair } from '../config/pem.ts';

const now = Math.floor(Date.now() / 1000) * 1000;
const day = 24 * 3_600_000;
const ending = async (days: number): Promise<string> =>
  (
    await makePair({
      notBefore: new Date(now - 99 * day),
      notAfter: new Date(now + days * day),
    })
  ).cert;

test('only what is given has an expiry', () => {
  expect(expiriesOf({ members: {} }, now)).toEqual({});
});

test('the first of a chain counts, and of authorities the next that expires', async () => {
  const [old, soon, late] = [await ending(-1), await ending(2), await ending(9)];
  const members = { ca: late + old + soon, cert: late + soon, key: '' };
  const clients = { ca: old, cert: soon, key: '' };
  expect(expiriesOf({ members, clients }, now)).toEqual({
    'tls-cert': now + 2 * day,
    'client-ca': now - day,
    cacert: now + 2 * day,
    cert: now + 9 * day,
  });
});

test('each file in use is named with its path, as of the moment that is asked for', async () => {
  const [soon, late] = [await ending(2), await ending(9)];
  const certificates = { members: { ca: soon + late }, clients: { cert: late, key: '' } };
  const files = { cacert: '/ca.crt', tlsCert: '/tls.crt', tlsKey: '/tls.key' };
  const inUse = (at: number) => certificatesInUse(certificates, files, at);
  expect(inUse(now)).toEqual([
    { setting: 'tls-cert', path: '/tls.crt', expiry: now + 9 * day },
    { setting: 'cacert', path: '/ca.crt', expiry: now + 2 * day },
  ]);
  // What is parsed is kept; which authority counts follows the clock.
  expect(inUse(now + 3 * day)[1]?.expiry).toBe(now + 9 * day);
});
