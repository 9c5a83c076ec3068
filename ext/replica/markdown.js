// SPDX-License-Identifier: Apache-2.0

/**
 * Just enough Markdown for chatbot answers, made into nodes and never into
 * HTML text: headings, lists, tables, quotes, code, bold, italics, links.
 */

/** The blocks of an answer, one node each. */
export function render(text, make = element) {
  const lines = text.split("\n");
  const blocks = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i];
    if (line.trim() === "") {
      i++;
    } else if (line.startsWith("```")) {
      const end = lines.findIndex((other, j) => j > i && other.startsWith("```"));
      const stop = end < 0 ? lines.length : end;
      blocks.push(make("pre", [make("code", [lines.slice(i + 1, stop).join("\n")])]));
      i = stop + 1;
    } else if (/^#{1,6} /.test(line)) {
      const level = line.indexOf(" ");
      blocks.push(make(`h${level}`, inline(line.slice(level + 1), make)));
      i++;
    } else if (/^(-{3,}|\*{3,})$/.test(line.trim())) {
      blocks.push(make("hr", []));
      i++;
    } else if (line.startsWith("|")) {
      const stop = until(lines, i, (other) => other.startsWith("|"));
      blocks.push(table(lines.slice(i, stop), make));
      i = stop;
    } else if (line.startsWith(">")) {
      const stop = until(lines, i, (other) => other.startsWith(">"));
      const inner = lines.slice(i, stop).map((other) => other.replace(/^> ?/, "")).join("\n");
      blocks.push(make("blockquote", render(inner, make)));
      i = stop;
    } else if (ITEM.test(line)) {
      const stop = until(lines, i, (other) => ITEM.test(other) || /^\s{2,}\S/.test(other));
      blocks.push(items(lines.slice(i, stop), make));
      i = stop;
    } else {
      const stop = until(lines, i, (other) => other.trim() !== "" && !/^(#{1,6} |```|\||>)/.test(other) && !ITEM.test(other));
      blocks.push(make("p", inline(lines.slice(i, stop).join("\n"), make)));
      i = stop;
    }
  }
  return blocks;
}

const ITEM = /^(\s*)([-*•]|\d{1,3}[.)]) (.*)$/;

function until(lines, from, goesOn) {
  let i = from + 1;
  while (i < lines.length && goesOn(lines[i])) i++;
  return i;
}

function items(lines, make) {
  const depth = ITEM.exec(lines[0])[1].length;
  const entries = [];
  for (let i = 0; i < lines.length; ) {
    const stop = until(lines, i, (line) => (ITEM.exec(line)?.[1].length ?? depth + 1) > depth);
    const [, , , first] = ITEM.exec(lines[i]) ?? [null, "", "", lines[i].trim()];
    const rest = lines.slice(i + 1, stop).map((line) => line.replace(/^\s{2,}/, (space) => space.slice(2)));
    entries.push(make("li", [make("p", inline(first, make)), ...render(rest.join("\n"), make)]));
    i = stop;
  }
  return make(/^\s*\d/.test(lines[0]) ? "ol" : "ul", entries);
}

function table(lines, make) {
  const cells = (line) => line.replace(/^\||\|\s*$/g, "").split("|").map((cell) => cell.trim());
  const headed = lines.length > 1 && /^[|:\-\s]+$/.test(lines[1]);
  const row = (line, tag) => make("tr", cells(line).map((cell) => make(tag, inline(cell, make))));
  const body = lines.slice(headed ? 2 : 0).map((line) => row(line, "td"));
  const head = headed ? [make("thead", [row(lines[0], "th")])] : [];
  return make("table", [...head, make("tbody", body)]);
}

function inline(text, make) {
  const nodes = [];
  const pattern = /\*\*(.+?)\*\*|(?<![\w*])\*([^*\s][^*]*?)\*(?![\w*])|`([^`]+)`|\[([^\]]+)\]\((https?:[^)\s]+)\)|\n/g;
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    if (found.index > end) nodes.push(text.slice(end, found.index));
    const [whole, bold, italic, code, label, url] = found;
    if (bold) nodes.push(make("strong", inline(bold, make)));
    else if (italic) nodes.push(make("em", inline(italic, make)));
    else if (code) nodes.push(make("code", [code]));
    else if (label) nodes.push(make("a", [label], { href: url, rel: "noopener", target: "_blank" }));
    else nodes.push(make("br", []));
    end = found.index + whole.length;
  }
  if (end < text.length) nodes.push(text.slice(end));
  return nodes;
}

function element(tag, children, attributes = {}) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
