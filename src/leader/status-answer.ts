/**
 * Decodes who leads according to a member: a few fields of a `StatusResponse` (etcd's rpc.proto). etcd3 is
 * of no use here: its client drops its connection at the first refused read, and while the leader is lost
 * every read is refused. Pure.
 */

/** Identifiers are hexadecimal, as elsewhere. */
export interface LeaderView {
  readonly clusterId: string;
  /** The id of the member that answered. */
  readonly memberId: string;
  /** Undefined if it knows no leader. */
  readonly leaderId: string | undefined;
  readonly term: number;
}

/** Field numbers from rpc.proto. */
const field = { header: 1, leader: 4, raftTerm: 6 } as const;
const headerField = { clusterId: 1, memberId: 2 } as const;

/** Throws if `message` is not a protocol buffer. */
export function leaderViewIn(message: Uint8Array): LeaderView {
  const status = fieldsOf(message);
  const header = fieldsOf(status.bytes.get(field.header) ?? new Uint8Array(0));
  const leader = status.numbers.get(field.leader) ?? 0n;
  return {
    clusterId: hex(header.numbers.get(headerField.clusterId)),
    memberId: hex(header.numbers.get(headerField.memberId)),
    leaderId: leader === 0n ? undefined : hex(leader),
    term: Number(status.numbers.get(field.raftTerm) ?? 0n),
  };
}

/** The lengths of values of fixed length, by wire type. */
const fixedLengths: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** The last value of each field. Values of fixed length are skipped. */
function fieldsOf(message: Uint8Array) {
  const numbers = new Map<number, bigint>();
  const bytes = new Map<number, Uint8Array>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at];
      if (byte === undefined) break;
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error('the answer is not a protocol buffer');
  };
  while (at < message.length) {
    const key = Number(varint());
    const number = key >>> 3;
    const wireType = key & 7;
    if (wireType === 0) {
      numbers.set(number, varint());
      continue;
    }
    const length = wireType === 2 ? Number(varint()) : fixedLengths[wireType];
    if (length === undefined) throw new Error('the answer is not a protocol buffer');
    if (at + length > message.length) throw new Error('the answer is cut short');
    if (wireType === 2) bytes.set(number, message.subarray(at, at + length));
    at += length;
  }
  return { numbers, bytes };
}

function hex(id = 0n): string {
  return id.toString(16);
}
