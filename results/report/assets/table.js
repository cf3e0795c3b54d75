// A table of any length: only the rows in view exist.

const OVERSCAN = 12;

const permutations = new WeakMap();

/** All rows in ascending order of a column, and where its empty cells begin; found once. */
function permutation(order) {
  if (!permutations.has(order)) {
    const filled = [];
    const empty = [];
    order.forEach((value, row) => (Number.isNaN(value) ? empty : filled).push(row));
    filled.sort((a, b) => (order[a] === order[b] ? a - b : order[a] < order[b] ? -1 : 1));
    permutations.set(order, { filled, empty });
  }
  return permutations.get(order);
}

/** Some rows in the order of a column; empty cells come last either way. */
function sortedRows(rows, order, descending) {
  const wanted = new Uint8Array(order.length);
  for (const row of rows) wanted[row] = 1;
  const { filled, empty } = permutation(order);
  const found = filled.filter((row) => wanted[row]);
  if (descending) found.reverse();
  return found.concat(empty.filter((row) => wanted[row]));
}

class Table {
  /**
   * @param box where it stands
   * @param columns [{key, label, unit, meaning, number, cell(row), order()}]
   */
  constructor(box, { label, columns, sort, open }) {
    Object.assign(this, { columns, sort, open, found: [], rows: [], active: -1, drawn: "" });
    this.head = el("tr", {});
    this.body = el("tbody", {});
    this.table = el("table", { role: "grid", "aria-label": label }, el("thead", {}, this.head), this.body);
    this.scroll = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${label}: arrow keys move, Enter opens`,
      onscroll: () => this.draw(), onkeydown: (event) => this.key(event) }, this.table);
    this.empty = el("p", { class: "empty", hidden: true }, "No row matches these filters.");
    refill(box, this.scroll, this.empty);
    this.body.addEventListener("click", (event) => {
      const line = event.target.closest("tr[data-row]");
      if (line && !event.target.closest("a")) this.open(Number(line.dataset.row));
    });
    new ResizeObserver(() => this.draw(true)).observe(this.scroll);
    this.drawHead();
  }
  setColumns(columns) {
    this.columns = columns;
    if (!columns.some((c) => c.key === this.sort.key)) this.sort = { key: columns[0].key, descending: false };
    this.drawHead();
  }
  setRows(found) {
    this.found = found;
    this.scroll.scrollTop = 0;
    this.active = -1;
    this.resort();
  }
  resort() {
    const column = this.columns.find((c) => c.key === this.sort.key);
    this.rows = sortedRows(this.found, column.order(), this.sort.descending);
    this.table.setAttribute("aria-rowcount", this.rows.length + 1);
    this.empty.hidden = this.rows.length > 0;
    this.scroll.hidden = this.rows.length === 0;
    this.draw(true);
  }
  drawHead() {
    refill(this.head, ...this.columns.map((column) => {
      const sorted = column.key === this.sort.key;
      const arrow = sorted ? (this.sort.descending ? " ▾" : " ▴") : "";
      return el("th", { scope: "col", class: column.number ? "number" : null, title: column.meaning,
        "aria-sort": sorted ? (this.sort.descending ? "descending" : "ascending") : "none" },
        el("button", { type: "button", "data-key": column.key, onclick: () => this.toggle(column.key) },
          column.label, column.unit ? el("small", {}, ` ${column.unit}`) : null, arrow));
    }));
  }
  toggle(key) {
    this.sort = { key, descending: this.sort.key === key && !this.sort.descending };
    this.drawHead();
    this.scroll.scrollTop = 0;
    this.resort();
    this.head.querySelector(`[data-key="${key}"]`).focus({ preventScroll: true });
  }
  rowHeight() {
    if (!this.height) this.height = 2 * parseFloat(getComputedStyle(document.documentElement).fontSize);
    return this.height;
  }
  draw(force) {
    const height = this.rowHeight();
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / height) - OVERSCAN);
    const count = Math.ceil((this.scroll.clientHeight || 600) / height) + 2 * OVERSCAN;
    const last = Math.min(this.rows.length, first + count);
    const state = `${first} ${last}`;
    if (!force && state === this.drawn) return;
    this.drawn = state;
    const space = (rows) => el("tr", { class: "space", "aria-hidden": "true", style: { height: `${rows * height}px` } },
      el("td", { colspan: this.columns.length }));
    const lines = this.rows.slice(first, last).map((row, i) => this.line(row, first + i));
    refill(this.body, space(first), ...lines, space(this.rows.length - last));
  }
  line(row, place) {
    return el("tr", { "data-row": row, "aria-rowindex": place + 2, class: place === this.active ? "active" : null,
      "aria-selected": place === this.active ? "true" : null },
      this.columns.map((column) => {
        const cell = column.cell(row);
        const kind = column.number ? "number" : column.key === "reduced_formula" ? "short" : null;
        return el("td", { class: kind, title: typeof cell === "string" ? cell : cell.textContent }, cell);
      }));
  }
  key(event) {
    if (event.target !== this.scroll) return;
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / this.rowHeight()) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" && this.active >= 0) { this.open(this.rows[this.active]); return; }
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.active = Math.min(this.rows.length - 1, Math.max(0, this.active + steps[event.key]));
    const top = this.active * this.rowHeight();
    const view = this.scroll.clientHeight - 2 * this.rowHeight();
    if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
    else if (top > this.scroll.scrollTop + view) this.scroll.scrollTop = top - view;
    this.draw(true);
  }
}

const formulaStart = /^'*[=+\-@\t\r\n]/;
const plainNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^[+-]inf$/i;
/** A text that no spreadsheet runs as a formula, as in the run's own tables. */
const guarded = (text) => (formulaStart.test(text) && !plainNumber.test(text) ? `'${text}` : text);
const csvCell = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The rows as CSV with all columns, digit by digit as in the run's own tables. */
function csvText(data, rows, keys) {
  const lines = [keys.join(",")];
  for (const row of rows) lines.push(keys.map((key) => csvCell(guarded(data.text(key, row)))).join(","));
  return `${lines.join("\n")}\n`;
}
