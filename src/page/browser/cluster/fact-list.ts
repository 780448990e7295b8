/** Shows figures at a glance, which facts.ts and own-facts.ts work out. */
import { element, icon, setAttribute, setIcon, setText } from '../lib/element.ts';
import { Keyed, type View } from '../lib/keyed.ts';
import type { Fact } from './facts.ts';

export class FactList {
  readonly #list: Keyed<Fact>;

  constructor(root: Element) {
    this.#list = new Keyed(root, ({ label }) => label, factView);
  }

  show(facts: readonly Fact[]): void {
    this.#list.show(facts);
  }
}

function factView({ label }: Fact): View<Fact> {
  const mark = icon('warn');
  const value = element('span');
  const more = element('dd', { class: 'muted' });
  const root = element(
    'div',
    { class: 'fact' },
    element('dt', {}, label),
    element('dd', { class: 'value' }, mark, value),
    more,
  );
  return {
    root,
    show: (fact) => {
      setAttribute(root, 'data-tone', fact.tone);
      mark.toggleAttribute('hidden', fact.tone === undefined);
      setIcon(mark, fact.tone ?? 'ok');
      setText(value, fact.value);
      setText(more, fact.more);
    },
  };
}
