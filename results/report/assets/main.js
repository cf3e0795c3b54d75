// The page as a whole: unpack, connect the parts, follow the address.

const state = { dimension: 3, inverse: false };

/** Move to the candidate before or after the one that is shown, by rank. */
function candidateByRank(data, row, step) {
  const { values } = data.columns.rank;
  const wanted = values[row] + step;
  return Number.isNaN(wanted) ? -1 : values.indexOf(wanted);
}

function applyTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

function startTheme(redraw) {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const current = () => chosen || (system.matches ? "dark" : "light");
  applyTheme(current());
  system.addEventListener("change", () => { applyTheme(current()); redraw(); });
  byId("theme").addEventListener("click", () => {
    chosen = current() === "dark" ? "light" : "dark";
    applyTheme(chosen);
    redraw();
  });
}

/** Columns of the main table: those of the chosen dimensionality and those the user has added. */
function tableColumns(data, extra) {
  const d = state.dimension;
  const usual = ["rank", "score", "reduced_formula", "cation", "anion", `e${d}d_cation_ev`, `e${d}d_anion_ev`, `ratio_${d}d`,
    "dai", "source_id", "dai_dimensions", "flags", "energy_above_hull_ev_atom", "band_gap_ev", "gii_vu"];
  const keys = [...usual, ...data.keys.filter((key) => extra.has(key) && !usual.includes(key))];
  return keys.filter((key) => key in data.columns).map((key) => tableColumn(data, key, data.columns[key].note.label));
}

function tableColumn(data, key, label) {
  const column = data.columns[key];
  const number = column instanceof NumberColumn;
  const cells = {
    cation: (row) => ionText(column.text(row)),
    anion: (row) => ionText(column.text(row)),
    flags: (row) => data.flags(row).map(words).join(", "),
    dai: (row) => (column.text(row) === "true" ? el("span", { class: "badge pass" }, "passes") : column.text(row) === "false" ? "no" : ""),
    reduced_formula: (row) => el("a", { href: `#/row/${row + 1}`, tabindex: "-1" }, column.text(row) ? formulaNodes(column.text(row)) : "?"),
    formula: (row) => el("span", {}, formulaNodes(column.text(row))),
    source_id: (row) => [column.text(row), data.materials.has(column.text(row)) ? [" ", el("a", { href: data.content.material_page + data.materials.get(column.text(row)), rel: "noopener noreferrer", target: "_blank", tabindex: "-1", title: "Materials Project" }, "↗")] : ""],
    energy_above_hull_ev_atom: (row) => shown(column.text(row)) || (data.text("dai", row) === "true" ? el("span", { class: "dim" }, "unknown") : ""),
  };
  return { key, label, number, unit: column.note.unit, meaning: column.note.meaning,
    cell: cells[key] || ((row) => (number ? shown(column.text(row)) : column.text(row))), order: () => column.order() };
}

class Page {
  constructor(data) {
    this.data = data;
    this.extra = new Set();
    state.dimension = data.criterion.dimensionality;
    state.inverse = data.criterion.reading === "cation_over_anion";
    this.anions = anionElements(data);
    this.marks = new Marks([...this.anions.keys()]);
    this.filters = new Filters(data);
    const open = (row) => { window.location.hash = `#/row/${row + 1}`; };
    const hasRanks = Number.isFinite(data.columns.rank.values.find((v) => !Number.isNaN(v)));
    this.table = new Table(byId("table"), { label: "Pairs", open, columns: tableColumns(data, this.extra),
      sort: { key: hasRanks ? "rank" : "source_id", descending: false } });
    this.plot = new Plot({ canvas: byId("plot"), tip: byId("tip"), data, marks: this.marks, open });
    this.lost = new Lost(data, open);
    drawPicks(byId("picks-body"), data);
    this.plot.viewed = () => this.caption();
    drawFunnel(byId("funnel"), byId("headline"), data, (reason) => this.lost.showReason(reason));
    drawMethod(byId("method-body"), data);
    filterForm(byId("filters"), this.filters, () => this.update());
    this.plotControls();
    this.tableControls();
    this.update();
  }
  update() {
    const rows = this.filters.matching(state.dimension);
    this.rows = rows;
    this.table.setRows(rows);
    this.plot.setRows(rows, state.dimension, state.inverse);
    drawTiers(byId("tiers"), this.data, state.dimension);
    byId("count").textContent = `${rows.length.toLocaleString("en")} of ${this.data.n.toLocaleString("en")} rows`;
    this.caption();
    this.drawLegend();
  }
  caption() {
    const { without, points } = this.plot;
    const outside = this.plot.outside();
    byId("plot-caption").textContent = [`${points.length.toLocaleString("en")} pairs`, outside,
      without ? `${without.toLocaleString("en")} without a finite ratio are not plotted` : ""].filter(Boolean).join("; ");
  }
  plotControls() {
    const { plot } = this;
    byId("plot-controls").append(
      el("label", {}, "dimensionality", select("dimension", [["1", "1D"], ["2", "2D"], ["3", "3D"]], String(state.dimension), (v) => this.setDimension(Number(v)))),
      el("label", {}, "ratio", select("reading", [["anion", "anion / cation"], ["cation", "cation / anion"]], state.inverse ? "cation" : "anion",
        (v) => { state.inverse = v === "cation"; this.update(); })),
      el("label", {}, el("input", { type: "checkbox", name: "log", onchange: (event) => plot.setLog(event.target.checked) }), "logarithmic"),
      el("button", { type: "button", "aria-label": "Zoom in", onclick: () => plot.zoomMiddle(1 / 1.4) }, "+"),
      el("button", { type: "button", "aria-label": "Zoom out", onclick: () => plot.zoomMiddle(1.4) }, "−"),
      el("button", { type: "button", onclick: () => plot.home() }, "Reset"),
      el("button", { type: "button", onclick: () => plot.showAll() }, "All"));
  }
  setDimension(dimension) {
    state.dimension = dimension;
    const { key } = this.table.sort;
    this.table.sort.key = key.replace(/^(e|ratio_)[123]d/, `$1${dimension}d`);
    this.table.setColumns(tableColumns(this.data, this.extra));
    this.update();
  }
  tableControls() {
    const { data } = this;
    const picked = (key) => (event) => {
      if (event.target.checked) this.extra.add(key); else this.extra.delete(key);
      this.table.setColumns(tableColumns(data, this.extra));
      this.table.resort();
    };
    const shownNow = new Set(this.table.columns.map((c) => c.key));
    byId("table-controls").append(
      el("button", { type: "button", id: "export", onclick: () => this.exportShown() }, "Export filtered rows (CSV)"),
      el("details", { class: "more" }, el("summary", {}, "More columns"), el("div", { class: "flagset" },
        data.keys.filter((key) => !shownNow.has(key)).map((key) => el("label", { title: data.columns[key].note.meaning },
          el("input", { type: "checkbox", onchange: picked(key) }), key)))));
  }
  exportShown() {
    download("dualion-selection.csv", csvText(this.data, this.table.rows, this.data.keys), "text/csv;charset=utf-8");
  }
  drawLegend() {
    const { filters, marks } = this;
    refill(byId("legend"), ...[...this.anions].map(([anion, ions]) => el("button", { type: "button", "data-anion": anion,
      "aria-pressed": !filters.anions || filters.anions.has(anion) ? "true" : "false",
      title: `Show or hide ${ions.map(ionText).join(", ")}`, onclick: () => this.toggleAnion(anion) }, legendMark(marks, anion), anion)),
    el("button", { type: "button", onclick: () => { filters.anions = null; this.update(); } }, "all"));
  }
  /** The first click shows one anion alone; further ones add and remove. */
  toggleAnion(anion) {
    const { filters } = this;
    if (!filters.anions) filters.anions = new Set([anion]);
    else if (filters.anions.has(anion)) filters.anions.delete(anion);
    else filters.anions.add(anion);
    if (filters.anions.size === 0) filters.anions = null;
    this.update();
    byId("legend").querySelector(`[data-anion="${CSS.escape(anion)}"]`).focus({ preventScroll: true });
  }
}

/** Elements of the anions, the most frequent first, each with its charge states. */
function anionElements(data) {
  const counts = new Map();
  const ions = new Map();
  const { anion, status } = data.columns;
  for (let row = 0; row < data.n; row += 1) {
    const name = anion.text(row);
    if (!name || status.text(row) !== "ok") continue;
    const element = elementOf(name);
    counts.set(element, (counts.get(element) || 0) + 1);
    if (!ions.has(element)) ions.set(element, new Set());
    ions.get(element).add(name);
  }
  return new Map([...counts].sort((a, b) => b[1] - a[1]).map(([element]) => [element, [...ions.get(element)].sort()]));
}

function legendMark(marks, anion) {
  const canvas = el("canvas", { width: 28, height: 28, style: { width: "14px", height: "14px" }, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  context.fillStyle = marks.colour(anion);
  markPath(context, marks.shape(anion), 14, 14, 10);
  context.fill();
  return canvas;
}

/** Show the overview, or the structure that the address names. */
function follow(page) {
  const found = /^#\/row\/(\d+)$/.exec(window.location.hash);
  const row = found ? Number(found[1]) - 1 : -1;
  const isRow = row >= 0 && row < page.data.n;
  const was = !byId("structure").hidden;
  if (isRow && byId("all").hidden === false) page.scrolled = window.scrollY;
  byId("all").hidden = isRow;
  byId("structure").hidden = !isRow;
  if (isRow) {
    showStructure(byId("structure"), page.data, row);
    window.scrollTo(0, 0);
    byId("structure").focus({ preventScroll: true });
    return;
  }
  if (!was) return;
  closeStructure();
  page.plot.draw();
  const target = window.location.hash.length > 1 && byId(window.location.hash.slice(1));
  if (target) target.scrollIntoView();
  else window.scrollTo({ top: page.scrolled || 0, behavior: "instant" });
}

async function start() {
  let page = null;
  startTheme(() => { if (page) { page.plot.draw(); page.drawLegend(); redrawStructure(); } });
  try {
    const data = new Data(await unpackedBlock("table"));
    byId("loading").hidden = true;
    byId("all").hidden = false;
    page = new Page(data);
    window.dualion = { page, data };
    byId("foot").append(`${data.content.made.by}; written ${data.content.made.at}. This page makes no network requests.`);
    window.addEventListener("hashchange", () => follow(page));
    follow(page);
    document.documentElement.dataset.ready = "true";
  } catch (error) {
    byId("loading").classList.add("error");
    byId("loading").textContent = `This page could not be unpacked (${error.message}). It needs a browser of 2023 or later.`;
    throw error;
  }
}

start();
