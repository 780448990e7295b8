import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { numberOf, parseExposition, quantile } from '../../../../src/diagnose/probes/exposition.ts';

describe('the text format', () => {
  test('as etcd writes it', () => {
    const text = `# HELP etcd_server_has_leader Whether or not a leader exists.
# TYPE etcd_server_has_leader gauge
etcd_server_has_leader 1
etcd_server_quota_backend_bytes 2.147483648e+09
grpc_server_handled_total{grpc_code="OK",grpc_method="Put"} 3 1700000000000

odd{path="C:\\\\a \\"b\\" } 1\\n",le="+Inf"} +Inf
no value
`;
    expect(parseExposition(text)).toEqual([
      { name: 'etcd_server_has_leader', labels: {}, value: 1 },
      { name: 'etcd_server_quota_backend_bytes', labels: {}, value: 2_147_483_648 },
      {
        name: 'grpc_server_handled_total',
        labels: { grpc_code: 'OK', grpc_method: 'Put' },
        value: 3,
      },
      {
        name: 'odd',
        labels: { path: 'C:\\a "b" } 1\n', le: '+Inf' },
        value: Number.POSITIVE_INFINITY,
      },
    ]);
  });

  test('what is written is read back', () => {
    const name = fc.stringMatching(/^[a-z_]\w{0,8}$/);
    const series = fc.record({
      name,
      labels: fc.dictionary(name, fc.string({ maxLength: 9 }), { noNullPrototype: true }),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }),
    });
    fc.assert(
      fc.property(fc.array(series), (samples) => {
        expect(parseExposition(samples.map(written).join('\n'))).toEqual(samples);
      }),
    );
  });

  test('any text is read without complaint', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseExposition(text)));
  });

  test.each([
    ['a name without end', 'a'.repeat(4_000_000)],
    ['texts that never close', 'a="'.repeat(1_000_000)],
    ['nothing but escapes', `a="${'\\'.repeat(3_999_999)}`],
    ['nothing but ends', '} '.repeat(2_000_000)],
    ['one long text', `a="${'b'.repeat(4_000_000)}"`],
  ])('%s is read once, not again from each letter', (_, labels) => {
    // Read again and again, it would take hours.
    for (const text of [`a{${labels}} 1`, `a{${labels}`, `a ${labels}`, labels]) {
      expect(parseExposition(`${text}\nb 2`).at(-1)).toMatchObject({ name: 'b', value: 2 });
    }
  });

  test('what is no number is none', () => {
    const samples = parseExposition('a NaN\nb 2');
    expect([numberOf(samples, 'a'), numberOf(samples, 'b'), numberOf(samples, 'c')]).toEqual([
      undefined,
      2,
      undefined,
    ]);
  });
});

describe('a quantile', () => {
  /** Of a histogram with these bounds and cumulative counts. */
  const ofBuckets = (buckets: Readonly<Record<string, number>>, q: number, least = 1) =>
    quantile(
      Object.entries(buckets).map(([le, value]) => ({ name: 'h_bucket', labels: { le }, value })),
      'h',
      q,
      least,
    );

  test('is interpolated within its bucket', () => {
    expect(ofBuckets({ '0.1': 0, '0.2': 100, '+Inf': 100 }, 0.5)).toBeCloseTo(0.15);
    expect(ofBuckets({ '0.1': 50, '0.2': 100, '+Inf': 100 }, 0.25)).toBeCloseTo(0.05);
    expect(ofBuckets({ '9.5': 100, '+Inf': 100, '0.5': 99 }, 0.99)).toBe(0.5); // in any order
  });

  test('beyond the last bound is that bound', () => {
    expect(ofBuckets({ '0.1': 1, '0.2': 2, '+Inf': 100 }, 0.99)).toBe(0.2);
  });

  test('of too few, or of nothing, is not known', () => {
    expect(ofBuckets({ '0.1': 99, '+Inf': 99 }, 0.99, 100)).toBeUndefined();
    expect(ofBuckets({ '0.1': 0, '+Inf': 0 }, 0.99, 0)).toBeUndefined();
    expect(ofBuckets({}, 0.99)).toBeUndefined();
  });

  test('lies in the bucket of what it stands for', () => {
    const bounds = [1, 2, 4, 8, 16];
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 16, noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, q) => {
          const count = (bound: number) => values.filter((value) => value <= bound).length;
          const buckets = Object.fromEntries(bounds.map((bound) => [String(bound), count(bound)]));
          const found = ofBuckets({ ...buckets, '+Inf': values.length }, q) ?? Number.NaN;
          const exact = values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1] ?? 0;
          const upper = bounds.find((bound) => exact <= bound) ?? 16;
          expect(found).toBeLessThanOrEqual(upper);
          expect(found).toBeGreaterThanOrEqual(bounds[bounds.indexOf(upper) - 1] ?? 0);
        },
      ),
    );
  });
});

function written({ name, labels, value }: ReturnType<typeof parseExposition>[number]): string {
  const pairs = Object.entries(labels).map(
    ([label, text]) =>
      `${label}="${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  );
  return `${name}{${pairs.join(',')}} ${Object.is(value, -0) ? '-0' : value}`;
}
