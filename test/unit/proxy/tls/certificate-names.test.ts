import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { carriesOneOf } from '../../../../src/proxy/tls/certificate-names.ts';
import { type Certificates, createCertificates } from '../../../support/certificates.ts';

let certificates: Certificates;
let certificate: X509Certificate;

beforeAll(async () => {
  certificates = await createCertificates();
  const { cert } = await certificates.issue('kube-apiserver', [
    { type: 'dns', value: 'api.example' },
    { type: 'dns', value: '*.wild.example' },
    { type: 'ip', value: '10.0.0.1' },
    { type: 'ip', value: 'fd00::1' },
    { type: 'email', value: 'admin@example.com' },
    { type: 'url', value: 'spiffe://example/ns/a, DNS:smuggled.example' },
  ]);
  certificate = new X509Certificate(readFileSync(cert));
});
afterAll(() => certificates[Symbol.asyncDispose]());

test.each([
  'kube-apiserver',
  'api.example',
  '10.0.0.1',
  'fd00:0::1',
  'admin@example.com',
  'spiffe://example/ns/a, DNS:smuggled.example',
])('a certificate carries %s', (name) => {
  expect(carriesOneOf(['other', name], certificate)).toBe(true);
});

test.each([
  'smuggled.example',
  'a.wild.example',
  'API.example',
  'example',
  '10.0.0.2',
  'CN=kube-apiserver',
  '',
])('but not %j', (name) => {
  expect(carriesOneOf([name], certificate)).toBe(false);
});
