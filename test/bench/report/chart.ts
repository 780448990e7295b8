/**
 * The chart: for each main figure a group of bars, one a contestant, as long as its ratio to
 * HAProxy. Plain SVG that takes its colours from the reader's light or dark mode. Pure.
 *
 *            ¼      ½      1      2      4
 *   figure          ▐██████│
 *                          │███▌
 */
import type { Measure } from '../measure.ts';
import type { Results } from '../results.ts';
import { asRatio } from './numbers.ts';

/** Measures in px. */
const layout = { left: 240, width: 460, right: 70, bar: 13, gap: 3, between: 16, top: 78 } as const;
/** The scale is logarithmic: twice as much is as far to the right as half as much is to the left. */
const least = 1 / 4;
const most = 64;

/** In the order in which contestants are drawn; HAProxy is the line at 1. */
const colours: Readonly<Record<string, string>> = {
  'etcd-lb': '#2f81f7',
  nginx: '#8b949e',
  gateway: '#b08ad9',
  'node-tcp-proxy': '#d9a13b',
};

export function chart(results: Results, measures: readonly Measure[]): string {
  const drawn = Object.keys(colours).filter((name) => results.contestants.includes(name));
  const groups = measures
    .flatMap(({ figures }) => figures)
    .filter(({ key, main }) => main && results.summary(key, 'haproxy'))
    .map(({ key, what }) => ({
      what,
      bars: drawn.map((name) => ({
        name,
        ratio: results.summary(key, name)?.toHaproxy ?? Number.NaN,
      })),
    }));
  const groupHeight = drawn.length * (layout.bar + layout.gap) + layout.between;
  const bottom = layout.top + groups.length * groupHeight;
  const width = layout.left + layout.width + layout.right;
  const height = bottom + 12;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    '<title>What etcd-lb and others cost, as ratios to HAProxy</title>',
    style,
    `<text class="title" x="12" y="24">Cost, as a ratio to HAProxy (1×); left of the line is cheaper</text>`,
    ...legend(drawn),
    ...scale(bottom),
    ...groups.flatMap(({ what, bars }, index) => {
      const y = layout.top + index * groupHeight;
      const middle = y + (groupHeight - layout.between) / 2 + 4;
      return [
        `<text x="${layout.left - 12}" y="${middle}" text-anchor="end">${escaped(what)}</text>`,
        ...bars.flatMap(({ name, ratio }, at) =>
          bar(name, ratio, y + at * (layout.bar + layout.gap)),
        ),
      ];
    }),
    '</svg>',
    '',
  ].join('\n');
}

const style = `<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 14px; font-weight: 600; }
  .note { font-size: 11px; fill: #59636e; }
  .grid { stroke: #d1d9e0; }
  .one { stroke: #1f2328; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .note { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .one { stroke: #e6edf3; }
  }
</style>`;

function legend(names: readonly string[]): string[] {
  return names.flatMap((name, index) => {
    const x = 12 + index * 130;
    return [
      `<rect x="${x}" y="36" width="12" height="12" rx="2" fill="${colours[name]}"/>`,
      `<text x="${x + 18}" y="46">${escaped(name)}</text>`,
    ];
  });
}

function scale(bottom: number): string[] {
  const lines: string[] = [];
  for (let ratio = least; ratio <= most; ratio *= 2) {
    const x = round(place(ratio));
    lines.push(
      `<line class="${ratio === 1 ? 'one' : 'grid'}" x1="${x}" x2="${x}" y1="${layout.top - 8}" y2="${bottom}"/>`,
      `<text class="note" x="${x}" y="${layout.top - 13}" text-anchor="middle">${ratio < 1 ? `1/${1 / ratio}` : ratio}×</text>`,
    );
  }
  return lines;
}

function bar(name: string, ratio: number, y: number): string[] {
  if (!Number.isFinite(ratio) || ratio <= 0) return [];
  const [one, end] = [place(1), place(ratio)];
  const x = Math.min(one, end);
  const length = Math.max(1, Math.abs(end - one));
  return [
    `<rect x="${round(x)}" y="${y}" width="${round(length)}" height="${layout.bar}" fill="${colours[name]}"/>`,
    `<text class="note" x="${round(Math.max(one, end) + 5)}" y="${y + layout.bar - 3}">${asRatio(ratio)}</text>`,
  ];
}

/** Where a ratio lies on the scale, px. */
function place(ratio: number): number {
  const within = Math.min(most, Math.max(least, ratio));
  return layout.left + (Math.log(within / least) / Math.log(most / least)) * layout.width;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
