/**
 * Elements: made once and then changed in place, only where something differs, so that nothing flickers and
 * focus and selection stay. What comes from outside becomes text, never markup.
 */

const svg = 'http://www.w3.org/2000/svg';

/** A new element with attributes and children; strings become text. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The element of the document with this id. Throws when there is none. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no #${id}.`);
  return found;
}

/** Makes `text` the only content of an element. */
export function setText(target: Element, text: string): void {
  const { firstChild } = target;
  if (firstChild instanceof Text && target.childNodes.length === 1) {
    if (firstChild.data !== text) firstChild.data = text;
  } else {
    target.textContent = text;
  }
}

/** Sets an attribute, or with `undefined` removes it. */
export function setAttribute(target: Element, name: string, value: string | undefined): void {
  if (value === undefined) target.removeAttribute(name);
  else if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

/** Shows a text, or hides the element when there is none. */
export function showText(target: HTMLElement, text: string | undefined): void {
  target.toggleAttribute('hidden', text === undefined);
  if (text !== undefined) setText(target, text);
}

/** One of the symbols of the document. Screen readers skip it and read the word beside it. */
export function icon(name: string): SVGSVGElement {
  const made = document.createElementNS(svg, 'svg');
  made.setAttribute('class', 'icon');
  made.setAttribute('aria-hidden', 'true');
  made.setAttribute('focusable', 'false');
  made.append(document.createElementNS(svg, 'use'));
  setIcon(made, name);
  return made;
}

export function setIcon(target: SVGSVGElement, name: string): void {
  if (target.firstElementChild) setAttribute(target.firstElementChild, 'href', `#icon-${name}`);
}

/** Makes these the children of `parent`; moves only what is out of place. */
export function arrange(parent: Element, children: readonly Element[]): void {
  children.forEach((child, index) => {
    if (parent.children[index] !== child)
      parent.insertBefore(child, parent.children[index] ?? null);
  });
  while (parent.children.length > children.length) parent.lastElementChild?.remove();
}
