// Building elements. Every text becomes a text node; nothing is parsed as HTML.

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

const el = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
/** Take everything out of an element and put other children in. */
function refill(element, ...children) {
  element.textContent = "";
  return fill(element, {}, children);
}

const byId = (id) => document.getElementById(id);
const cssVariable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const words = (name) => name.replaceAll("_", " ");

/** A choice from a list of [value, label]. */
function select(name, choices, chosen, onchange) {
  return el("select", { name, onchange: (event) => onchange(event.target.value) },
    choices.map(([value, label]) => el("option", { value, selected: value === chosen }, label)));
}

/** Calls a function once the caller has been quiet for a moment. */
function debounced(call, quietMs) {
  let timer = 0;
  return (...args) => { clearTimeout(timer); timer = setTimeout(() => call(...args), quietMs); };
}

function plainTable(head, rows, numeric = []) {
  const kind = (i) => (numeric.includes(i) ? "number" : null);
  return el("div", { class: "wide" }, el("table", { class: "plain" },
    head.length ? el("thead", {}, el("tr", {}, head.map((h, i) => el("th", { scope: "col", class: kind(i) }, h)))) : null,
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, i) => el("td", { class: kind(i) }, cell)))))));
}

/** A formula as text and subscripts: Li3YBr6 as Li, 3, YBr, 6. */
function formulaNodes(formula) {
  return formula.split(/((?<=[A-Za-z)\]])[0-9]+(?:\.[0-9]+)?)/).map((part, i) => (i % 2 ? el("sub", {}, part) : part));
}

/** Digits of an ion's charge as superscript: Li+ becomes Li⁺. */
function ionText(text) {
  const up = { "+": "⁺", "-": "⁻", ".": "·", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  const found = /^([A-Z][a-z]?)([0-9.]*[+-])$/.exec(text);
  return found ? found[1] + [...found[2]].map((c) => up[c]).join("") : text;
}

function downloadUrl(name, url) {
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

function download(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  downloadUrl(name, url);
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
