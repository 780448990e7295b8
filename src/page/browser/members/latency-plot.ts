/**
 * The latency of a member's last checks as a small plot, and in words for people who do not see it.
 *
 * Owns the checks that it shows, and the plot, which it redraws when its size or the theme changes.
 */
import uPlot from 'uplot';
import { milliseconds } from '../lib/amounts.ts';
import { element, setAttribute } from '../lib/element.ts';
import type { PastCheck } from '../wire.ts';
import { extended, inWords, top } from './latency.ts';

const dark = matchMedia('(prefers-color-scheme: dark)');

export class LatencyPlot {
  readonly root = element('div', { class: 'plot', role: 'img' });
  readonly #member: string;
  readonly #resized = new ResizeObserver(() => this.#fit());
  readonly #recolour = (): void => this.#plot?.redraw(false);
  #plot: uPlot | undefined;
  #checks: readonly PastCheck[] = [];

  constructor(member: string) {
    this.#member = member;
    this.#resized.observe(this.root);
    dark.addEventListener('change', this.#recolour);
    this.#describe();
  }

  get last(): PastCheck | undefined {
    return this.#checks.at(-1);
  }

  /** Adds the checks that are newer than its last one. */
  add(checks: readonly PastCheck[]): void {
    const all = extended(this.#checks, checks);
    if (all === this.#checks) return;
    this.#checks = all;
    this.#describe();
    this.#plot?.setData(dataOf(this.#checks));
  }

  close(): void {
    this.#resized.disconnect();
    dark.removeEventListener('change', this.#recolour);
    this.#plot?.destroy();
  }

  #fit(): void {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (width === 0 || height === 0) return;
    // Text on a canvas needs its size in pixels, which follows from the window as all sizes do.
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(width, height), dataOf(this.#checks), this.root);
  }

  #options(width: number, height: number): uPlot.Options {
    const style = getComputedStyle(this.root);
    const size = Number.parseFloat(style.fontSize);
    const colour = (name: string) => () => style.getPropertyValue(name).trim();
    return {
      width,
      height,
      padding: [size, 1, size / 3, 0],
      cursor: { show: false },
      legend: { show: false },
      // Linear near 0 and logarithmic above, so that one slow check does not hide all the others.
      scales: { y: { distr: 4, asinh: 5, range: (_plot, _min, max) => [0, top(max)] } },
      axes: [
        { show: false },
        {
          size: size * 4.4,
          gap: size / 3,
          font: `${size}px ${style.fontFamily}`,
          stroke: colour('--muted'),
          grid: { stroke: colour('--line'), width: 1 },
          ticks: { show: false },
          filter: (_plot, splits) => splits,
          splits: (_plot, _axis, _min, max) => [0, max],
          values: (_plot, splits) => splits.map((each) => (each === 0 ? '0' : milliseconds(each))),
        },
      ],
      series: [
        {},
        {
          stroke: colour('--accent'),
          fill: colour('--accent-soft'),
          width: size / 8,
          points: { show: false },
        },
        {
          stroke: colour('--bad'),
          paths: () => null,
          points: { show: true, size: size / 1.6, fill: colour('--bad') },
        },
      ],
    };
  }

  #describe(): void {
    setAttribute(
      this.root,
      'aria-label',
      `Check latency of ${this.#member}: ${inWords(this.#checks)}`,
    );
  }
}

function dataOf(checks: readonly PastCheck[]): uPlot.AlignedData {
  return [
    checks.map(({ at }) => at / 1_000),
    checks.map(({ ok, duration }) => (ok ? duration : null)),
    checks.map(({ ok, duration }) => (ok ? null : duration)),
  ];
}
