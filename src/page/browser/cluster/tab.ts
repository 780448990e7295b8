/** The headline in the tab, as title and icon, for people who look at another tab. */
import { setAttribute } from '../lib/element.ts';
import type { Tone } from '../lib/tone.ts';

/** Shapes that differ without colour too; each 16 by 16. */
const shapes: Readonly<Record<Tone | 'lost', string>> = {
  ok: '<circle cx="8" cy="8" r="7" fill="#15803d"/><path d="m4.5 8.5 2.5 2.5 4.5-5" fill="none" stroke="#fff" stroke-width="2"/>',
  note: '<circle cx="8" cy="8" r="7" fill="#1d4ed8"/><path d="M8 7v5M8 4v1.5" stroke="#fff" stroke-width="2"/>',
  warn: '<path d="M8 1 15.5 15H.5Z" fill="#f5a300"/><path d="M8 6v4M8 12v1.5" stroke="#000" stroke-width="2"/>',
  bad: '<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5Z" fill="#c81e1e"/><path d="m5 5 6 6m0-6-6 6" stroke="#fff" stroke-width="2"/>',
  lost: '<circle cx="8" cy="8" r="6" fill="none" stroke="#888" stroke-width="2"/><path d="m4 4 8 8" stroke="#888" stroke-width="2"/>',
};

/** @param name of the balancer; empty while it is not known. */
export function showInTab(tone: Tone | 'lost', word: string, name: string): void {
  const title = [word, name, 'etcd-lb'].filter((part) => part !== '').join(' · ');
  if (document.title !== title) document.title = title;
  const image = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${shapes[tone]}</svg>`;
  const link = document.querySelector('link[rel=icon]');
  if (link) setAttribute(link, 'href', `data:image/svg+xml,${encodeURIComponent(image)}`);
}
