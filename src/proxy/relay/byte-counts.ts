/**
 * Byte counts: what the byte path notes of a session, a few numbers for each chunk, and what they tell of
 * bytes that are opaque: has the client asked what is not answered yet?
 *
 *   client  question ─────────────────────► more than peers of HTTP/2 say without asking anything
 *   member  acknowledgement … answer ─────► more than it may say to acknowledge what it was sent
 *
 * Lengths are all that can be seen within TLS, so they decide. Where they leave it open a question is taken
 * to be open: a session that stays is a session in the wrong place, one that is closed is a call that fails.
 * What cannot be seen: of several questions at a time in one session, which of them an answer is for.
 */

/** Lengths by which questions and acknowledgements are told apart, bytes. */
export interface Wire {
  /** The longest that a client says without asking anything, unless it acknowledges by more than one frame. */
  readonly idle: number;
  /** The longest that a peer says to acknowledge one thing it was sent: two WINDOW_UPDATE and a PING. */
  readonly acknowledgement: number;
  /** Of an acknowledged PING, by which a client has heard of a PING of its own. */
  readonly pings: readonly number[];
  /** The most that a member says to end a handshake, which is no answer to what is asked by then. */
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
 * A member of etcd sends one ticket for resumption (RFC 8446 section 4.6.1) once it has the client's last
 * words of the handshake. Go puts the client's certificate, and by 1.21 its authorities', into it.
 */
export const withinTls: Wire = {
  idle: 48,
  acknowledgement: 72,
  pings: [38, 39, 46],
  tickets: 4096,
};

/** Two WINDOW_UPDATE, which may come in one record with a PING. */
const windowUpdates = 26;
/** A chunk of this length, bytes, or longer may be a part of a long message. */
const part = 1024;
/** Of a long message, a 128th may be acknowledged: 72 bytes and more for a DATA of 16 KiB. */
const partShift = 7;

/** Bytes read so far, by who sent them. Plain fields: written per chunk, read when someone asks. */
export class ByteCounts {
  readonly wire: Wire;
  client = 0;
  member = 0;
  /** Did the last bytes come from the member? */
  memberSpokeLast = false;
  /** What both had said when the client began with what is not answered yet, if it asks anything. */
  clientAtAsk = 0;
  memberAtAsk = 0;
  /** How much the member may have said since then without an answer in it. */
  allowance = 0;
  /** May what the client asks have come with the end of its handshake, so that tickets are no answer? */
  isOpening = false;
  /** Is it known already that bytes have come? If not, `note` is called, which sets it. */
  noted = false;
  readonly note: () => void;

  constructor(wire: Wire, note: () => void) {
    this.wire = wire;
    this.note = note;
  }
}

/** A chunk of `bytes` has come from the client. */
export function clientSpoke(counts: ByteCounts, bytes: number): void {
  const { idle, acknowledgement, tickets } = counts.wire;
  // Who asks along with the end of the handshake waits for the answer; who does not, asks when it has ended.
  const hasOpened = counts.isOpening && counts.member > counts.memberAtAsk && bytes > idle;
  if (hasOpened || counts.member - counts.memberAtAsk > counts.allowance) {
    counts.isOpening = tickets > 0 && counts.memberAtAsk === 0;
    counts.clientAtAsk = counts.client;
    counts.memberAtAsk = counts.member;
    counts.allowance = counts.isOpening ? tickets : 0;
  }
  const isLater = !counts.memberSpokeLast && counts.allowance >= acknowledgement;
  if (bytes <= idle) {
    counts.allowance += bytes; // a PING is answered by one of its own length
  } else {
    counts.allowance += isLater && bytes >= part ? bytes >> partShift : acknowledgement;
  }
  counts.client += bytes;
  counts.memberSpokeLast = false;
  if (!counts.noted) counts.note();
}

/** A chunk of `bytes` has come from the member. */
export function memberSpoke(counts: ByteCounts, bytes: number): void {
  counts.member += bytes;
  counts.memberSpokeLast = true;
  if (!counts.noted) counts.note();
}

/** Has the client asked what the member has not answered, as far as lengths can tell? */
export function hasOpenQuestion(counts: Readonly<Omit<ByteCounts, 'note' | 'noted'>>): boolean {
  const asked = counts.client - counts.clientAtAsk;
  const answered = counts.member - counts.memberAtAsk;
  if (answered > counts.allowance || asked <= counts.wire.idle) return false;
  // An event of a watch is acknowledged with a PING beside it, and that is acknowledged in turn.
  return asked - answered > windowUpdates || !isOfPings(answered, counts.wire);
}

/** Is this what acknowledged PINGs add up to, and nothing else? */
function isOfPings(bytes: number, { pings }: Wire): boolean {
  return bytes > 0 && pings.some((length) => bytes % length === 0);
}
