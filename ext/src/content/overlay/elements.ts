// SPDX-License-Identifier: Apache-2.0

type Attributes = Record<string, string>;

/** An element with attributes and children; text is only ever text, never HTML. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function button(label: string, className: string, press: () => void, ...children: (Node | string)[]): HTMLButtonElement {
  const element = el("button", { type: "button", class: className, "aria-label": label, title: label }, ...children);
  element.addEventListener("click", press);
  return element;
}
