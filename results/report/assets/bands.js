// Barriers with a potential: tables, bands, the network of hops, and both tiers over the run.

const UNKNOWN_HOP = "#8a929b";
const MANY_ATOMS = 20; // from here on one cell is enough to see how hops join
const ASIDE = 0.75; // hops of one cell reach out of it, on which the camera is set
const FACE = 0.01;

/** From blue for the lowest barrier over yellow to red for the highest. */
function hopColour(barrier, [low, high]) {
  if (barrier === null || barrier === undefined) return UNKNOWN_HOP;
  const share = high > low ? Math.min(1, Math.max(0, (barrier - low) / (high - low))) : 0;
  const stops = [[33, 102, 172], [253, 190, 60], [178, 24, 43]];
  const at = share * 2;
  const from = stops[Math.min(1, Math.floor(at))]; const to = stops[Math.min(1, Math.floor(at)) + 1];
  const part = at - Math.min(1, Math.floor(at));
  return `#${from.map((v, i) => Math.round(v + part * (to[i] - v)).toString(16).padStart(2, "0")).join("")}`;
}

function hopScale(ions) {
  const known = ions.flatMap((ion) => ion.hops.map((hop) => hop.barrier_ev)).filter((v) => v !== null && v !== undefined);
  return known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
}

/**
 * A hop is a cylinder between its ends; those that decide a barrier are thick, unknown ones thin.
 * Of several cells those hops are drawn that end within them; of one cell all that begin there.
 */
function drawHops(viewer, cell, ion, { scale, cells }) {
  const steps = [...Array(cells + 2).keys()].map((n) => n - 1);
  const within = (frac) => frac.every((x) => x > -FACE && x < cells + FACE);
  for (const i of steps) for (const j of steps) for (const k of steps) {
    for (const hop of ion.hops) {
      const [from, to] = [hop.from, hop.to].map(([x, y, z]) => [x + i, y + j, z + k]);
      if (cells > 1 ? !(within(from) && within(to)) : i || j || k) continue;
      const known = hop.barrier_ev !== null && hop.barrier_ev !== undefined;
      viewer.addCylinder({ start: asPoint(cartesian(cell, from)), end: asPoint(cartesian(cell, to)),
        radius: hop.decides ? 0.14 : known ? 0.08 : 0.03, fromCap: 1, toCap: 1, color: hopColour(hop.barrier_ev, scale) });
    }
  }
}

function bandsBlock(bands) {
  return el("div", { id: "bands" }, el("h3", {}, bands.title),
    bands.notes.map((note) => el("p", { class: "dim" }, note)),
    bands.scene ? hopScene(bands.scene) : null,
    el("div", { class: "columns" }, bands.plots.map((plot) => el("div", {}, el("h4", {}, plot.title), linePlot(plot)))),
    bands.tables.map((table) => [el("h4", {}, table.title), plainTable(table.head, table.rows, table.head.map((_, i) => i).slice(1))]));
}

function hopScene(content) {
  const scale = hopScale(content.ions);
  const roles = content.ions.filter((ion) => ion.hops.length).map((ion) => ion.role);
  const show = { fields: new Set(), paths: new Set(), hops: new Set(roles), dimension: 3, polyhedra: false, cells: content.crystal.inside > MANY_ATOMS ? 1 : 2, levels: {}, scale };
  const canvas = el("div", { class: "viewer", role: "img", "aria-label": "The relaxed structure with the hops of both ions, coloured by barrier; drag to turn, scroll to zoom" });
  const controls = content.ions.filter((ion) => ion.hops.length).map((ion) => el("label", {},
    el("input", { type: "checkbox", checked: true, name: `hops-${ion.role}`, onchange: (event) => {
      if (event.target.checked) show.hops.add(ion.role); else show.hops.delete(ion.role);
      if (open_.hops) open_.hops.draw();
    } }), `hops of ${ionText(ion.name)}`));
  const bar = `linear-gradient(90deg, ${[0, 0.5, 1].map((v) => hopColour(scale[0] + v * (scale[1] - scale[0]), scale)).join(", ")})`;
  loadViewer().then((library) => {
    if (!canvas.isConnected) return;
    open_.hops = new Scene(library, canvas, { content }, show);
    if (show.cells === 1) open_.hops.viewer.zoom(ASIDE);
  }).catch((error) => {
    refill(canvas, el("p", { class: "notice error" }, `No 3D view here (${error.message}); it needs WebGL.`));
  });
  return el("div", {}, el("h4", {}, "Network of hops"), el("div", { class: "controls" }, controls,
    el("label", {}, "cells", select("hop-cells", [["1", "1 × 1 × 1"], ["2", "2 × 2 × 2"], ["3", "3 × 3 × 3"]], String(show.cells), (v) => {
      show.cells = Number(v);
      if (open_.hops) open_.hops.rebuild();
    })),
    el("span", {}, `${scale[0].toFixed(2)} eV `, el("span", { class: "key", style: { background: bar, width: "90px", borderRadius: "3px" } }), ` ${scale[1].toFixed(2)} eV`)), canvas,
  el("p", { class: "dim" }, "Relaxed with the potential. Thick: hops that decide a barrier. Thin and grey: not computed, or without a barrier."));
}

/** Bond valence against potential, both ions of every pair that has both; empty without one. */
function drawTiers(box, data, dimension) {
  const points = ["cation", "anion"].flatMap((role) => {
    const sieve = data.columns[`e${dimension}d_${role}_ev`].values; const bands = data.columns[`e${dimension}d_${role}_neb_ev`].values;
    return [...Array(data.n).keys()].filter((row) => Number.isFinite(sieve[row]) && Number.isFinite(bands[row]))
      .map((row) => ({ role, row, x: sieve[row], y: bands[row] }));
  });
  const known = data.columns.neb_potential.texts.some(Boolean);
  box.hidden = !known;
  if (!known) return;
  const w = 620; const h = 420; const m = { left: 52, right: 12, top: 10, bottom: 42 };
  const top = Math.max(0.1, ...points.flatMap((p) => [p.x, p.y])) * 1.06;
  const x = (v) => m.left + (v / top) * (w - m.left - m.right);
  const y = (v) => m.top + (1 - v / top) * (h - m.top - m.bottom);
  const axis = ticks(0, top, false).map((v) => [
    svg("line", { class: "grid", x1: x(v), x2: x(v), y1: m.top, y2: h - m.bottom }), svg("text", { x: x(v), y: h - m.bottom + 16, "text-anchor": "middle" }, tickText(v)),
    svg("line", { class: "grid", x1: m.left, x2: w - m.right, y1: y(v), y2: y(v) }), svg("text", { x: m.left - 6, y: y(v) + 4, "text-anchor": "end" }, tickText(v))]);
  const mark = (p) => svg("a", { href: `#/row/${p.row + 1}`, "aria-label": `${data.text("reduced_formula", p.row)} ${p.role}` },
    svg("circle", { class: "tier", "data-row": p.row, cx: x(p.x).toFixed(1), cy: y(p.y).toFixed(1), r: 5, fill: ION_COLOURS[p.role], "fill-opacity": 0.75 },
      svg("title", {}, `${data.text("reduced_formula", p.row)} ${ionText(data.text(p.role, p.row))}: ${p.x.toFixed(3)} and ${p.y.toFixed(3)} eV`)));
  refill(box, el("h3", {}, "Bond valence against a potential"),
    svg("svg", { class: "profile", viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": `${points.length} barriers by bond valence against those with a potential` }, axis,
      svg("line", { class: "even", x1: x(0), y1: y(0), x2: x(top), y2: y(top), stroke: "currentColor", "stroke-dasharray": "4 4", "stroke-opacity": 0.5 }), points.map(mark),
      svg("text", { x: (w + m.left) / 2, y: h - 6, "text-anchor": "middle" }, `bond valence, ${dimension}D / eV`),
      svg("text", { transform: `translate(13 ${(h - m.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, `potential, ${dimension}D / eV`)),
    el("p", { class: "dim" }, ["cation", "anion"].map((role) => [el("span", { class: "key", style: { background: ION_COLOURS[role] } }), ` ${role} `]),
      `${points.length} barriers; on the dashed line both tiers agree.`));
}
