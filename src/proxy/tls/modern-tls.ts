/** The TLS that we speak ourselves, with clients and with members. */
import { constants } from 'node:crypto';

/**
 * As RFC 9325 recommends: TLS 1.2 or later (section 3.1.1), no renegotiation (3.5), and only cipher suites
 * with forward secrecy and authenticated encryption (4.2). All suites of TLS 1.3 have both.
 */
export const modernTls = {
  minVersion: 'TLSv1.2',
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
} as const;
