/** Sizes as people write them: `500kB`, `20MB`, `1GiB`. Units of a thousand, or with an i of 1024. */

const units: Readonly<Record<string, number>> = {
  ...{ B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9 },
  ...{ KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 },
};

/** Bytes, above 0. Throws `Error` with the reason. */
export function parseSize(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(text) ?? [];
  const bytes = Math.round(Number(amount) * (units[unit] ?? Number.NaN));
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new Error(`${JSON.stringify(text)} is not a size; write one such as 20MB or 16MiB`);
}
