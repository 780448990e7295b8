/** RFC 9113, section 3.4: the preface of HTTP/2, then a SETTINGS frame, here an empty one. */
export const greeting = Buffer.from(
  `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0`,
  'latin1',
);
