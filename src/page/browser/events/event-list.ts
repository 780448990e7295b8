/**
 * The events, newest first, filtered by member and level, with their evidence on demand.
 *
 * Knows no kinds of events. Message and fields are shown as they come, so that events of a later version
 * are shown as well.
 */
import { membersOf } from '../../../observe/events/members-of.ts';
import { element, icon, setText } from '../lib/element.ts';
import { ago, clock } from '../lib/time.ts';
import type { EventUpdate } from '../wire.ts';
import { flat } from './event-fields.ts';

/** As many as the balancer keeps. */
const kept = 300;

const levels = ['info', 'warn', 'error'] as const;
const marks = { info: 'note', warn: 'warn', error: 'bad' } as const;
const words = { info: 'info', warn: 'warning', error: 'error' } as const;

interface Row {
  readonly root: HTMLLIElement;
  readonly relative: HTMLElement;
  readonly at: number;
  readonly level: EventUpdate['level'];
  readonly members: readonly string[];
}

export class EventList {
  readonly #list: HTMLElement;
  readonly #member: HTMLSelectElement;
  readonly #level: HTMLSelectElement;
  readonly #count: HTMLElement;
  readonly #none: HTMLElement;
  /** Newest first. */
  #rows: Row[] = [];
  #run = '';
  #last = 0;

  constructor(parts: {
    readonly list: HTMLElement;
    readonly member: HTMLSelectElement;
    readonly level: HTMLSelectElement;
    readonly count: HTMLElement;
    readonly none: HTMLElement;
  }) {
    this.#list = parts.list;
    this.#member = parts.member;
    this.#level = parts.level;
    this.#count = parts.count;
    this.#none = parts.none;
    for (const filter of [this.#member, this.#level]) {
      filter.addEventListener('change', () => this.#filter());
    }
  }

  /** Adds an event, unless it is there already. The first one of a new run of the balancer removes all others. */
  add(event: EventUpdate, id: string): void {
    const [run = '', number] = id.split('-');
    if (run !== this.#run) this.#clear(run);
    if (Number(number) <= this.#last) return;
    this.#last = Number(number);
    const row = rowOf(event);
    this.#rows.unshift(row);
    this.#list.prepend(row.root);
    for (const { root } of this.#rows.splice(kept)) root.remove();
    for (const name of row.members) this.#offer(name);
    this.#filter();
  }

  /** @param now ms since the epoch, by the balancer's clock. */
  tick(now: number): void {
    for (const { relative, at } of this.#rows) setText(relative, ago(now - at));
  }

  #clear(run: string): void {
    for (const { root } of this.#rows) root.remove();
    this.#rows = [];
    this.#run = run;
    this.#last = 0;
  }

  #offer(name: string): void {
    const options = [...this.#member.options];
    if (options.some(({ value }) => value === name)) return;
    const next = options
      .slice(1)
      .find(({ value }) => value.localeCompare(name, 'en', { numeric: true }) > 0);
    this.#member.add(element('option', { value: name }, name), next ?? null);
  }

  #filter(): void {
    const member = this.#member.value;
    const least = (levels as readonly string[]).indexOf(this.#level.value);
    let shown = 0;
    for (const row of this.#rows) {
      const fits =
        (member === '' || row.members.includes(member)) && levels.indexOf(row.level) >= least;
      row.root.toggleAttribute('hidden', !fits);
      if (fits) shown += 1;
    }
    const all = this.#rows.length;
    setText(this.#count, shown === all ? `${all}` : `${shown} of ${all}`);
    this.#none.hidden = shown > 0;
  }
}

function rowOf(event: EventUpdate): Row {
  const { level, message, fields } = event;
  const at = new Date(event.at);
  const relative = element('span', { class: 'relative' }, ago(Date.now() - at.getTime()));
  const root = element(
    'li',
    { 'data-level': level, 'data-kind': event.kind },
    element('span', { class: 'level' }, icon(marks[level] ?? 'note'), words[level] ?? level),
    element(
      'span',
      { class: 'times' },
      element('time', { datetime: event.at, title: at.toString() }, clock(at, new Date())),
      relative,
    ),
    element('div', { class: 'what' }, element('p', {}, message), evidence(event.kind, fields)),
  );
  return { root, relative, at: at.getTime(), level, members: membersOf(fields) };
}

/** The fields as a list, filled when it is opened: most never are. */
function evidence(kind: string, fields: Readonly<Record<string, unknown>>): HTMLElement {
  const list = element('dl');
  const details = element('details', {}, element('summary', {}, kind), list);
  details.addEventListener(
    'toggle',
    () => {
      for (const [name, value] of flat(fields)) {
        list.append(element('div', {}, element('dt', {}, name), element('dd', {}, value)));
      }
    },
    { once: true },
  );
  return details;
}
