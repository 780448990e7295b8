/**
 * Who leads, as a member says: the few fields of a `StatusResponse` (etcd's rpc.proto) that tell it.
 * Read here and not through etcd3, whose client drops its connection at the first refused read; while a
 * leader is lost every read is refused. Pure.
 */

/** Identifiers are hexadecimal, as elsewhere. */
export interface LeaderView {
  readonly clusterId: string;
  /** Of the member that says so. */
  readonly memberId: string;
  /** Undefined when it knows none. */
  readonly leaderId: string | undefined;
  readonly term: number;
}

/** Numbers of the fields, from rpc.proto. */
const field = { header: 1, leader: 4, raftTerm: 6 } as const;
const headerField = { clusterId: 1, memberId: 2 } as const;

/** Throws for what is not a message of protocol buffers. */
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

/** Lengths of the values of fixed length, by their wire type. */
const fixedLengths: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** The last value of each field; those of fixed length are passed over. */
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
