/**
 * Byte counts: a few numbers per session, which the byte path updates with each chunk. From them follows,
 * for opaque bytes, whether the client has asked a question that is not answered yet.
 *
 *   client  question ─────────────────────► longer than what HTTP/2 peers send without a question
 *   member  acknowledgement … answer ─────► longer than what acknowledges the bytes it received
 *
 * Within TLS only lengths can be seen, so they decide. In doubt a question counts as open: a session that
 * stays too long is merely in the wrong place, but one that is closed too early fails a call. When several
 * questions are open in one session, it cannot be seen which of them an answer is for.
 */

/** The lengths that tell questions from acknowledgements, bytes. */
export interface Wire {
  /** The longest chunk of a client without a question, unless several frames acknowledge something. */
  readonly idle: number;
  /** The longest acknowledgement of one thing that a peer received: two WINDOW_UPDATE and a PING. */
  readonly acknowledgement: number;
  /** The lengths of an acknowledged PING. */
  readonly pings: readonly number[];
  /** The most that a member sends at the end of a handshake. It answers no question. */
  readonly tickets: number;
}

/**
 * A PING has 17 bytes, a WINDOW_UPDATE 13 (RFC 9113 sections 6.7 and 6.9). The shortest question has 30, a
 * HEADERS of 16 and a DATA of 14; the shortest answer that etcd gives has 65.
 */
export const plainBytes: Wire = { idle: 26, acknowledgement: 43, pings: [17], tickets: 0 };

/**
 * A record of TLS adds 22 bytes (1.3), 29 (1.2 with AES-GCM) or 21 (1.2 with ChaCha20): a PING has 39, 46
 * or 38, and the shortest question 51.
 *
 * An etcd member sends one ticket for resumption (RFC 8446 section 4.6.1) when it has received the end of
 * the handshake. Go puts the client's certificate into it, and since 1.21 those of its authorities too.
 */
export const withinTls: Wire = {
  idle: 48,
  acknowledgement: 72,
  pings: [38, 39, 46],
  tickets: 4096,
};

/** The length of two WINDOW_UPDATE, which may share a record with a PING. */
const windowUpdates = 26;
/** A chunk of at least this length, bytes, may be part of a long message. */
const part = 1024;
/** The acknowledgement of a long message may be a 128th of it: at least 72 bytes for a DATA of 16 KiB. */
const partShift = 7;

/** Bytes read so far, by sender. Plain fields: written per chunk, read on demand. */
export class ByteCounts {
  readonly wire: Wire;
  client = 0;
  member = 0;
  /** Did the last bytes come from the member? */
  memberSpokeLast = false;
  /** Both counts at the begin of the client's bytes that are not answered yet, if they ask anything. */
  clientAtAsk = 0;
  memberAtAsk = 0;
  /** How many bytes the member may have sent since then without an answer. */
  allowance = 0;
  /** May the question have come with the end of the handshake, so that tickets do not answer it? */
  isOpening = false;
  /** Has `note` been called since the last sample? If not, the next chunk calls it, and it sets this. */
  noted = false;
  readonly note: () => void;

  constructor(wire: Wire, note: () => void) {
    this.wire = wire;
    this.note = note;
  }
}

/** Counts a chunk of `bytes` from the client. */
export function clientSpoke(counts: ByteCounts, bytes: number): void {
  const { idle, acknowledgement, tickets } = counts.wire;
  // A client that asks with the end of the handshake waits for the answer. Any other asks after the handshake.
  const hasOpened = counts.isOpening && counts.member > counts.memberAtAsk && bytes > idle;
  if (hasOpened || counts.member - counts.memberAtAsk > counts.allowance) {
    counts.isOpening = tickets > 0 && counts.memberAtAsk === 0;
    counts.clientAtAsk = counts.client;
    counts.memberAtAsk = counts.member;
    counts.allowance = counts.isOpening ? tickets : 0;
  }
  const isLater = !counts.memberSpokeLast && counts.allowance >= acknowledgement;
  if (bytes <= idle) {
    counts.allowance += bytes; // the answer to a PING has the same length
  } else {
    counts.allowance += isLater && bytes >= part ? bytes >> partShift : acknowledgement;
  }
  counts.client += bytes;
  counts.memberSpokeLast = false;
  if (!counts.noted) counts.note();
}

/** Counts a chunk of `bytes` from the member. */
export function memberSpoke(counts: ByteCounts, bytes: number): void {
  counts.member += bytes;
  counts.memberSpokeLast = true;
  if (!counts.noted) counts.note();
}

/** Is a question of the client unanswered, as far as lengths can tell? */
export function hasOpenQuestion(counts: Readonly<Omit<ByteCounts, 'note' | 'noted'>>): boolean {
  const asked = counts.client - counts.clientAtAsk;
  const answered = counts.member - counts.memberAtAsk;
  if (answered > counts.allowance || asked <= counts.wire.idle) return false;
  // The client acknowledges an event of a watch and sends a PING with it, which the member acknowledges.
  return asked - answered > windowUpdates || !isOfPings(answered, counts.wire);
}

/** Can these bytes be acknowledged PINGs and nothing else? */
function isOfPings(bytes: number, { pings }: Wire): boolean {
  return bytes > 0 && pings.some((length) => bytes % length === 0);
}
