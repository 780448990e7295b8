/** Shows how the sessions are spread: a bar and a number a member. */
import { element, setText, showText } from '../lib/element.ts';
import { Keyed, type View } from '../lib/keyed.ts';
import type { StatusUpdate } from '../wire.ts';
import { type Share, sharesOf } from './spread.ts';

export class SpreadBars {
  readonly #list: Keyed<Share>;

  constructor(root: Element) {
    this.#list = new Keyed(root, ({ name }) => name, shareView);
  }

  show(status: StatusUpdate): void {
    this.#list.show(sharesOf(status));
  }
}

function shareView({ name }: Share): View<Share> {
  const remark = element('span', { class: 'muted' });
  const number = element('span', { class: 'number' });
  const bar = element('div', { class: 'bar' });
  const root = element(
    'li',
    {},
    element('div', { class: 'row' }, element('span', { class: 'name' }, name), remark, number),
    element('div', { class: 'track', 'aria-hidden': 'true' }, bar),
  );
  return {
    root,
    show: ({ sessions, share, length, remark: words }) => {
      showText(remark, words);
      setText(number, `${sessions.toLocaleString('en')} · ${Math.round(share * 100)} %`);
      bar.style.width = `${(length * 100).toFixed(1)}%`;
    },
  };
}
