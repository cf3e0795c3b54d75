// Filters of the pairs; plot and table follow the same ones.

const ELEMENT = /[A-Z][a-z]?/g;
/** Element of an ion: O of O2-. */
const elementOf = (ion) => (/^[A-Z][a-z]?/.exec(ion) || [""])[0];

/** Filters that the user has set. */
class Filters {
  constructor(data) {
    this.data = data;
    const formulas = data.columns.reduced_formula.texts;
    this.elements = formulas.map((formula) => new Set(formula.match(ELEMENT) || []));
    this.flagSets = data.columns.flags.texts.map((text) => new Set(text.split(";").filter(Boolean)));
    this.reset();
  }
  reset() {
    Object.assign(this, {
      search: "", withElements: [], withoutElements: [], cation: "", verdict: "computed",
      anions: null, flagsWith: new Set(), flagsWithout: new Set(),
      maxHull: NaN, minGap: NaN, unknown: true, maxBarrier: NaN,
    });
  }
  /** For each distinct text of a column whether it passes. */
  textMask(key, passes) {
    return this.data.columns[key].texts.map((text, i) => passes(text, i));
  }
  matching(dimension) {
    const { data } = this;
    const tests = [];
    const byText = (key, passes) => {
      const mask = this.textMask(key, passes);
      const { places } = data.columns[key];
      tests.push((row) => mask[places[row]]);
    };
    this.addVerdict(byText, dimension);
    if (this.cation) byText("cation", (text) => text === this.cation);
    if (this.anions) byText("anion", (text) => this.anions.has(elementOf(text)));
    if (this.withElements.length || this.withoutElements.length) {
      byText("reduced_formula", (_, i) => this.withElements.every((e) => this.elements[i].has(e))
        && !this.withoutElements.some((e) => this.elements[i].has(e)));
    }
    if (this.flagsWith.size || this.flagsWithout.size) {
      byText("flags", (_, i) => [...this.flagsWith].every((f) => this.flagSets[i].has(f))
        && ![...this.flagsWithout].some((f) => this.flagSets[i].has(f)));
    }
    this.addNumber(tests, "energy_above_hull_ev_atom", (v) => v <= this.maxHull, this.maxHull);
    this.addNumber(tests, "band_gap_ev", (v) => v >= this.minGap, this.minGap);
    if (!Number.isNaN(this.maxBarrier)) {
      const { values } = data.columns[`e${dimension}d_cation_ev`];
      tests.push((row) => values[row] <= this.maxBarrier);
    }
    if (this.search) tests.push(this.searchTest());
    const found = [];
    for (let row = 0; row < data.n; row += 1) {
      if (tests.every((test) => test(row))) found.push(row);
    }
    return found;
  }
  searchTest() {
    const wanted = this.search.toLowerCase();
    const masks = ["source_id", "formula", "reduced_formula"].map((key) => [
      this.textMask(key, (text) => text.toLowerCase().includes(wanted)),
      this.data.columns[key].places,
    ]);
    return (row) => masks.some(([mask, places]) => mask[places[row]]);
  }
  addNumber(tests, key, passes, limit) {
    if (Number.isNaN(limit)) return;
    const { values } = this.data.columns[key];
    tests.push((row) => (Number.isNaN(values[row]) ? this.unknown : passes(values[row])));
  }
  addVerdict(byText, dimension) {
    const { verdict } = this;
    if (verdict === "all") return;
    if (verdict === "not done") byText("status", (text) => text !== "ok");
    else byText("status", (text) => text === "ok");
    if (verdict === "candidates") byText("dai", (text) => text === "true");
    if (verdict === "any") byText("dai_dimensions", (text) => text !== "");
    if (verdict === "here") byText("dai_dimensions", (text) => text.split(";").includes(`${dimension}D`));
  }
}

/** Elements from words like «Li S -O». */
function elementWords(text) {
  const found = text.split(/[\s,;]+/).filter(Boolean);
  const tidy = (word) => word[0].toUpperCase() + word.slice(1).toLowerCase();
  const minus = found.filter((word) => /^[-!]./.test(word)).map((word) => tidy(word.slice(1)));
  return [found.filter((word) => !/^[-!]/.test(word)).map(tidy), minus];
}

const numberOr = (text) => (text.trim() === "" ? NaN : Number(text.replace(",", ".")));

/** The form of the filters; `changed` is called after each change. */
function filterForm(form, filters, changed) {
  const { data } = filters;
  const soon = debounced(changed, 120);
  const typed = (apply) => (event) => { apply(event.target.value); soon(); };
  const label = (text, ...inputs) => el("label", {}, text, ...inputs);
  const distinct = (key) => [...new Set(data.columns[key].texts)].filter(Boolean).sort();
  const cations = distinct("cation").filter((text) => text.endsWith("+"));
  const build = () => {
    refill(form,
      label("Formula or structure id", el("input", { type: "search", name: "search", autocomplete: "off", size: 18,
        oninput: typed((v) => { filters.search = v.trim(); }) })),
      label("Elements (Li S -O)", el("input", { type: "search", name: "elements", autocomplete: "off", size: 12,
        oninput: typed((v) => { [filters.withElements, filters.withoutElements] = elementWords(v); }) })),
      label("Verdict", select("verdict", [
        ["candidates", "candidates"], ["here", "passes at the chosen dimensionality"],
        ["any", "passes at any dimensionality"], ["computed", "all computed"], ["all", "all, including rejected and failed"],
      ], filters.verdict, (v) => { filters.verdict = v; changed(); })),
      cations.length > 1 ? label("Cation", select("cation", [["", "any"], ...cations.map((c) => [c, ionText(c)])],
        filters.cation, (v) => { filters.cation = v; changed(); })) : null,
      label("E(cation) ≤ / eV", el("input", { type: "number", step: "0.05", min: 0, name: "barrier",
        oninput: typed((v) => { filters.maxBarrier = numberOr(v); }) })),
      label("E above hull ≤ / eV/atom", el("input", { type: "number", step: "0.005", min: 0, name: "hull",
        oninput: typed((v) => { filters.maxHull = numberOr(v); }) })),
      label("Band gap ≥ / eV", el("input", { type: "number", step: "0.1", min: 0, name: "gap",
        oninput: typed((v) => { filters.minGap = numberOr(v); }) })),
      label("Keep unknown values", el("input", { type: "checkbox", name: "unknown", checked: filters.unknown,
        onchange: (event) => { filters.unknown = event.target.checked; changed(); } })),
      el("button", { type: "button", onclick: () => { filters.reset(); build(); changed(); } }, "Reset"),
      flagChoices(filters, changed),
    );
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  build();
}

/** Choose for each flag that occurs: any, with, without. */
function flagChoices(filters, changed) {
  const present = new Map();
  for (const set of filters.flagSets) for (const flag of set) present.set(flag, true);
  if (!present.size) return null;
  const glossary = filters.data.content.flags;
  const places = Object.keys(glossary); // the order of the vocabulary
  const choose = (flag) => (value) => {
    filters.flagsWith.delete(flag);
    filters.flagsWithout.delete(flag);
    if (value === "with") filters.flagsWith.add(flag);
    if (value === "without") filters.flagsWithout.add(flag);
    changed();
  };
  return el("details", { class: "more" }, el("summary", {}, "Flags"),
    el("div", { class: "flagset" }, [...present.keys()].sort((a, b) => places.indexOf(a) - places.indexOf(b)).map((flag) =>
      el("label", { title: glossary[flag] }, words(flag),
        select(`flag-${flag}`, [["", "any"], ["with", "with"], ["without", "without"]], "", choose(flag))))));
}
