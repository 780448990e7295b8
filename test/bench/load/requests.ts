/** What clients ask etcd for, as gRPC has it on the wire: KV/Range of one key. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const smallKey = 'foo';
export const largeKey = 'big';
/** Size of the value of the large key. etcd takes no request over 1.5 MiB. */
export const largeBytes = 1_000_000;

/**
 * The body of a call: a frame (not compressed, length of 4 bytes) around
 * `RangeRequest { key, serializable: true }`. Serializable, so that the member answers by itself.
 */
function rangeFrame(key: string): Buffer {
  const name = Buffer.from(key);
  const message = Buffer.concat([Buffer.from([0x0a, name.length]), name, Buffer.from([0x38, 1])]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The body as a file in `folder`, for h2load. */
export function rangeFile(folder: string, key: string): string {
  const file = join(folder, `range-${key}.bin`);
  writeFileSync(file, rangeFrame(key));
  return file;
}
