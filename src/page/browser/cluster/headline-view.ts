/**
 * The head of the page: the health in a line, or that the balancer sends nothing and since when.
 *
 * A screen reader reads out changes of the headline only; the time since the last update, and how long a hold
 * lasts, are beside it.
 */
import type { Connection } from '../connection.ts';
import { byId, element, setAttribute, setIcon, setText, showText } from '../lib/element.ts';
import { Keyed, type View } from '../lib/keyed.ts';
import { ago, clock, tenths } from '../lib/time.ts';
import type { StatusUpdate } from '../wire.ts';
import { alsoWrong, headlineOf } from './headline.ts';
import type { Headline, Help } from './help.ts';
import { showInTab } from './tab.ts';

export class HeadlineView {
  readonly #root = byId('headline');
  readonly #icon = this.#root.querySelector('svg') as SVGSVGElement;
  readonly #word = byId('headline-word');
  readonly #clock = byId('headline-clock');
  readonly #sentence = byId('headline-sentence');
  readonly #also = byId('headline-also');
  readonly #help = new Keyed(byId('headline-help'), ({ text }: Help) => text, helpView);
  readonly #more = byId('headline-more');
  readonly #connection = byId('connection');
  #headline: Headline | undefined;
  #alsoWrong: readonly string[] = [];
  #name = '';
  #state: Connection = { kind: 'connecting' };

  /** @param now ms since the epoch, by the balancer's clock, as everywhere here. */
  connection(state: Connection, now: number): void {
    this.#state = state;
    this.#show(now);
  }

  show(status: StatusUpdate, now: number): void {
    this.#headline = headlineOf(status);
    this.#alsoWrong = alsoWrong(status);
    this.#name = status.name;
    this.#show(now);
  }

  /** To be called now and then: shows how long ago the last update came, and how long a hold lasts. */
  tick(now: number): void {
    const lost = this.#state.kind === 'lost' ? this.#state : undefined;
    const since = lost === undefined ? this.#headline?.since : undefined;
    showText(this.#clock, since && ` for ${tenths(now - Date.parse(since))}`);
    const at = lost?.heardAt;
    showText(
      this.#more,
      lost &&
        (at === undefined
          ? 'Nothing was heard from it yet. Trying again.'
          : `Last update at ${clock(new Date(at), new Date())}, ${ago(Date.now() - at)}. Trying again.`),
    );
  }

  #show(now: number): void {
    const { kind } = this.#state;
    setAttribute(document.documentElement, 'data-connection', kind);
    setText(
      this.#connection,
      { connecting: 'Connecting', live: 'Live', lost: 'Not connected' }[kind],
    );
    if (kind === 'lost') this.#showLost();
    else if (this.#headline !== undefined) this.#showHeadline(this.#headline);
    this.tick(now);
  }

  #showHeadline({ tone, word, sentence, help = [] }: Headline): void {
    setAttribute(this.#root, 'data-tone', tone);
    setIcon(this.#icon, tone);
    setText(this.#word, word);
    setText(this.#sentence, sentence);
    const also = this.#alsoWrong;
    showText(this.#also, also.length === 0 ? undefined : `Also: ${also.join(', ')}.`);
    this.#help.show(help);
    showInTab(tone, word, this.#name);
  }

  #showLost(): void {
    const before = this.#headline;
    const word = 'Connection lost';
    const was =
      before === undefined
        ? ''
        : ` What is below is old. Last known: ${before.word}. ${before.sentence}`;
    setAttribute(this.#root, 'data-tone', 'lost');
    setIcon(this.#icon, 'lost');
    setText(this.#word, word);
    setText(this.#sentence, `This page hears nothing from the balancer.${was}`);
    showText(this.#also, undefined);
    this.#help.show([]);
    showInTab('lost', word, this.#name);
  }
}

/** The text is selected as a whole by one click: the clipboard is not there for a page without TLS. */
function helpView({ text }: Help): View<Help> {
  const label = element('span', { class: 'what' });
  const root = element('li', {}, label, ' ', element('code', {}, text));
  return { root, show: ({ what }) => setText(label, `${what}:`) };
}
