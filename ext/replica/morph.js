// SPDX-License-Identifier: Apache-2.0

/**
 * Makes the children of `parent` equal to `nodes` by the fewest changes, as
 * React does: text that grew keeps its text node, a new block is appended.
 */
export function morph(parent, nodes) {
  nodes.forEach((node, i) => {
    const wanted = typeof node === "string" ? document.createTextNode(node) : node;
    const there = parent.childNodes[i];
    if (!there) parent.append(wanted);
    else if (there.nodeName !== wanted.nodeName) there.replaceWith(wanted);
    else if (there.nodeType === Node.TEXT_NODE) {
      if (there.data !== wanted.data) there.data = wanted.data;
    } else morph(there, [...wanted.childNodes]);
  });
  while (parent.childNodes.length > nodes.length) parent.lastChild.remove();
}
