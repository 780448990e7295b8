/**
 * The head of the page: the verdict, or that nothing is heard of the balancer any more and since when.
 *
 * What is read out changes only with the verdict; the time since the last news, and how long a hold lasts,
 * stand beside it.
 */
import { byId, setAttribute, setIcon, setText, showText } from './element.ts';
import type { Connection } from './news.ts';
import { showInTab } from './tab.ts';
import { ago, clock, tenths } from './time.ts';
import type { Verdict } from './verdict.ts';

export class Headline {
  readonly #root = byId('verdict');
  readonly #icon = this.#root.querySelector('svg') as SVGSVGElement;
  readonly #word = byId('verdict-word');
  readonly #clock = byId('verdict-clock');
  readonly #sentence = byId('verdict-sentence');
  readonly #more = byId('verdict-more');
  readonly #connection = byId('connection');
  #verdict: Verdict | undefined;
  #state: Connection = { kind: 'connecting' };

  /** @param now ms since the epoch, by the balancer's clock, as everywhere here. */
  connection(state: Connection, now: number): void {
    this.#state = state;
    this.#show(now);
  }

  verdict(verdict: Verdict, now: number): void {
    this.#verdict = verdict;
    this.#show(now);
  }

  /** To be called now and then: how long ago the last news came, and for how long it has been so. */
  tick(now: number): void {
    const lost = this.#state.kind === 'lost' ? this.#state : undefined;
    const since = lost === undefined ? this.#verdict?.since : undefined;
    showText(this.#clock, since && ` for ${tenths(now - Date.parse(since))}`);
    const at = lost?.heardAt;
    showText(
      this.#more,
      lost &&
        (at === undefined
          ? 'Nothing was heard of it yet. Trying again.'
          : `Last news at ${clock(new Date(at), new Date())}, ${ago(Date.now() - at)}. Trying again.`),
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
    else if (this.#verdict !== undefined) this.#showVerdict(this.#verdict);
    this.tick(now);
  }

  #showVerdict({ tone, word, sentence }: Verdict): void {
    setAttribute(this.#root, 'data-tone', tone);
    setIcon(this.#icon, tone);
    setText(this.#word, word);
    setText(this.#sentence, sentence);
    showInTab(tone, word);
  }

  #showLost(): void {
    const before = this.#verdict;
    const word = 'Connection lost';
    const was =
      before === undefined
        ? ''
        : ` What is below is old; it was: ${before.word}. ${before.sentence}`;
    setAttribute(this.#root, 'data-tone', 'lost');
    setIcon(this.#icon, 'lost');
    setText(this.#word, word);
    setText(this.#sentence, `This page hears nothing of the balancer.${was}`);
    showInTab('lost', word);
  }
}
