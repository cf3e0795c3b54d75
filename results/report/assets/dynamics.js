// Molecular dynamics on a structure's page: heading, tables, curves with bands, site networks.

const PLOT = { w: 560, h: 300, left: 62, right: 14, top: 12, bottom: 44 };
const VIRIDIS = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"];
const DASHES = { fit: "7 4", guide: "2 4" };

/** A symbol with its index as a subscript: E_a, N_eff. */
const symbolNodes = (text) => text.split(/(?<=\b[A-Z])_([a-z]+)/).map((part, i) => (i % 2 ? el("sub", {}, part) : part));

function dynamicsTable(table) {
  const cell = (value, i) => ((table.formulae || []).includes(i) ? formulaNodes(value) : value);
  const drawn = plainTable(table.head.map(symbolNodes), table.rows.map((row) => row.map(cell)), table.head.map((_, i) => i).slice(1));
  return table.folded ? el("details", {}, el("summary", {}, table.title), drawn) : [el("h4", {}, table.title), drawn];
}

function dynamicsBlock(run) {
  const [first, ...others] = run.tables || [];
  return el("div", { class: "dynamics" },
    el("h3", {}, "Molecular dynamics: ", formulaNodes(run.compound || ""), `, ${run.title}`),
    run.facts && run.facts.length ? facts(run.facts.map(([name, formula, value]) => [name, [formulaNodes(formula), value]])) : null,
    (run.notes || []).map((note) => el("p", { class: "dim" }, note)),
    first ? dynamicsTable(first) : null,
    el("div", { class: "columns" }, (run.plots || []).map((plot) => el("div", {}, el("h4", {}, plot.title),
      plot.kind === "network" ? networkPlot(plot) : linePlot(plot)))),
    others.map(dynamicsTable));
}

/** Colour of a curve: its class, so that it follows the theme. */
const curveColour = (curve, i) => (curve.kind === "guide" ? "var(--dim)" : `var(--curve-${(curve.colour ?? i) % LIGHT.length})`);

/** Whether a curve has the colour of an earlier one, and needs dashes. */
const isRepeated = (curve) => curve.colour >= LIGHT.length;

/** Numbers of a curve that its axes can show. */
function shownNumbers(plot) {
  const xs = []; const ys = [];
  for (const c of plot.curves) {
    c.x.forEach((v, k) => {
      const error = c.error ? c.error[k] : 0;
      if (plot.log_x && !(v > 0)) return;
      xs.push(v);
      for (const y of [c.y[k] - error, c.y[k] + error]) if (!plot.log || y > 0) ys.push(y);
    });
    if (c.band && !plot.log) ys.push(...c.band[2]);
  }
  return { xs, ys };
}

/** Scales of a plot: functions from a number to its place, and the ends. */
function plotScales(plot) {
  const { xs, ys } = shownNumbers(plot);
  const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
  const room = plot.log_x ? 0 : 0.03 * (most(xs) - least(xs));
  const ends = { x: [plot.log_x || least(xs) > 0 ? least(xs) - room : least(xs), most(xs) + room], y: plot.log ? [least(ys) * 0.7, most(ys) * 1.4] : [Math.min(0, least(ys)), most(ys) * 1.04] };
  if (plot.curves.some((c) => c.kind === "limits")) ends.y = [ends.y[0] / 4, ends.y[1] * 2];
  const map = (log, [low, high], from, to) => {
    const of = log ? Math.log10 : (v) => v;
    return (v) => from + ((of(v) - of(low)) / (of(high) - of(low) || 1)) * (to - from);
  };
  return { ends, x: map(plot.log_x, ends.x, PLOT.left, PLOT.w - PLOT.right), y: map(plot.log, ends.y, PLOT.h - PLOT.bottom, PLOT.top) };
}

const pointList = (pairs) => pairs.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(" ");

function drawCurve(plot, scales, curve, i) {
  const { x, y, ends } = scales;
  const colour = curveColour(curve, i);
  const places = curve.x.map((v, k) => [v, curve.y[k], k]).filter(([a, b]) => (!plot.log_x || a > 0) && (!plot.log || b > 0));
  const said = titled(curve.name);
  if (curve.kind === "points") return places.map(([a, b, k]) => svg("g", { stroke: colour }, said(),
    curve.error && (!plot.log || b - curve.error[k] > 0) ? svg("path", { "stroke-width": 1.5, fill: "none", d: `M${x(a)} ${y(b - curve.error[k])}V${y(b + curve.error[k])}m-4 0h8M${x(a) - 4} ${y(b - curve.error[k])}h8` }) : null,
    svg("circle", { cx: x(a), cy: y(b), r: 4, fill: colour, stroke: "none" })));
  if (curve.kind === "limits") return places.map(([a, b]) => svg("g", { stroke: colour, "stroke-width": 1.5, fill: "none" }, said(),
    svg("path", { d: `M${x(a)} ${y(b) + 4}v18m-4 -6l4 6l4 -6` }), svg("circle", { cx: x(a), cy: y(b), r: 4 })));
  const line = svg("polyline", { class: "curve", stroke: curve.kind === "fit" ? "var(--front)" : colour, "stroke-dasharray": DASHES[curve.kind] || (isRepeated(curve) ? "5 3" : null), points: pointList(places.map(([a, b]) => [x(a), y(b)])) }, said());
  const marks = curve.kind === "fit" ? [places[0], places[places.length - 1]].filter(Boolean).map(([a, b]) => svg("line", { x1: x(a), x2: x(a), y1: y(b) - 7, y2: y(b) + 7, stroke: "var(--front)", "stroke-width": 2 })) : null;
  const dots = curve.joined ? places.map(([a, b]) => svg("circle", { cx: x(a), cy: y(b), r: 4, fill: colour })) : null;
  return [drawBand(plot, scales, curve.band, colour, ends), line, marks, dots];
}

/** A title that a pointer or a reader of the page hears. */
const titled = (text) => () => svg("title", {}, text);

function drawBand(plot, { x, y }, band, colour, ends) {
  if (!band) return null;
  const inside = (v) => Math.min(Math.max(v, ends.y[0]), ends.y[1]);
  const kept = band[0].map((t, k) => [t, band[1][k], band[2][k]]).filter(([t, low, high]) => (!plot.log_x || t > 0) && (!plot.log || (low > 0 && high > 0)));
  const edge = [...kept.map(([t, low]) => [x(t), y(inside(low))]), ...kept.reverse().map(([t, , high]) => [x(t), y(inside(high))])];
  return svg("polygon", { fill: colour, opacity: 0.2, points: pointList(edge) });
}

/** Digits of a power of ten as superscript. */
function powerText(v) {
  const up = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  const power = Math.floor(Math.log10(v) + 1e-9);
  if (power > -3 && power < 4) return tickText(v);
  const mantissa = Math.round(v / 10 ** power);
  return `${mantissa === 1 ? "" : `${mantissa}·`}10${[...String(power)].map((c) => up[c]).join("")}`;
}

/** Frame, ticks and names of both axes. */
function plotFrame(plot, { x, y, ends }) {
  const { w, h, left, right, top, bottom } = PLOT;
  const text = (log) => (v) => (log ? powerText(v) : tickText(v));
  return [
    ticks(...ends.x, Boolean(plot.log_x)).map((v) => [svg("line", { class: "grid", x1: x(v), x2: x(v), y1: top, y2: h - bottom }), svg("text", { x: x(v), y: h - bottom + 16, "text-anchor": "middle" }, text(plot.log_x)(v))]),
    ticks(...ends.y, Boolean(plot.log)).map((v) => [svg("line", { class: "grid", x1: left, x2: w - right, y1: y(v), y2: y(v) }), svg("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, text(plot.log)(v))]),
    svg("path", { class: "axis", d: `M${left} ${top}V${h - bottom}H${w - right}` }),
    svg("text", { x: (w + left) / 2, y: h - 6, "text-anchor": "middle" }, plot.x_label),
    svg("text", { transform: `translate(13 ${(h - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, plot.y_label),
  ];
}

/** Draw curves over one axis, with a legend below. */
function linePlot(plot) {
  const scales = plotScales(plot);
  const kinds = { points: "●", limits: "○↓", fit: "╌", guide: "┈" };
  return [svg("svg", { class: "profile", viewBox: `0 0 ${PLOT.w} ${PLOT.h}`, role: "img", "aria-label": `${plot.y_label} against ${plot.x_label}: ${plot.curves.map((c) => c.name).join(", ")}` },
    plotFrame(plot, scales), plot.curves.map((c, i) => drawCurve(plot, scales, c, i))),
  el("p", { class: "plot-legend" }, plot.curves.map((c, i) => el("span", { class: "badge" },
    kinds[c.kind] ? el("span", { "aria-hidden": "true", style: { color: c.kind === "fit" ? "var(--front)" : curveColour(c, i), fontWeight: 700 } }, `${kinds[c.kind]} `)
      : el("span", { class: "key", style: { background: isRepeated(c) ? `repeating-linear-gradient(90deg, ${curveColour(c, i)} 0 3px, transparent 3px 5px)` : curveColour(c, i) } }), c.name)))];
}

/** Colour of an occupancy between 0 and the most. */
function occupancyColour(share) {
  const at = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
  const i = Math.min(Math.floor(at), VIRIDIS.length - 2);
  const part = (hex, k) => parseInt(hex.slice(1 + 2 * k, 3 + 2 * k), 16);
  return `rgb(${[0, 1, 2].map((k) => Math.round(part(VIRIDIS[i], k) + (at - i) * (part(VIRIDIS[i + 1], k) - part(VIRIDIS[i], k)))).join(",")})`;
}

/** Sites coloured by occupancy and links as wide as their jumps are many, over the host, in the cell. */
function networkPlot(plot) {
  const all = [...plot.outline, ...plot.sites];
  const low = [0, 1].map((k) => Math.min(...all.map((p) => p[k])) - 1.6);
  const high = [0, 1].map((k) => Math.max(...all.map((p) => p[k])) + 1.6);
  const scale = Math.min(470 / (high[0] - low[0]), 470 / (high[1] - low[1]));
  const [w, h] = [(high[0] - low[0]) * scale + 60, (high[1] - low[1]) * scale + 44];
  const x = (v) => 50 + (v - low[0]) * scale; const y = (v) => h - 40 - (v - low[1]) * scale;
  const most = Math.max(0.1, ...plot.occupancy);
  const width = (n) => 0.8 + 5 * (n - 1) / Math.max(plot.most_jumps - 1, 1);
  const frame = [
    ticks(low[0] + 1.6, high[0] - 1.6, false).map((v) => svg("text", { x: x(v), y: h - 24, "text-anchor": "middle" }, tickText(v))),
    ticks(low[1] + 1.6, high[1] - 1.6, false).map((v) => svg("text", { x: 42, y: y(v) + 4, "text-anchor": "end" }, tickText(v))),
    svg("text", { x: w / 2, y: h - 6, "text-anchor": "middle" }, plot.x_label),
    svg("text", { transform: `translate(13 ${h / 2}) rotate(-90)`, "text-anchor": "middle" }, plot.y_label)];
  return [svg("svg", { class: "profile network", viewBox: `0 0 ${w.toFixed(0)} ${h.toFixed(0)}`, role: "img", "aria-label": `${plot.title}: ${plot.all_jumps} jumps between ${plot.sites.length} sites` },
    frame,
    svg("polyline", { class: "axis", points: pointList(plot.outline.map(([a, b]) => [x(a), y(b)])) }),
    plot.host.map(([a, b]) => svg("circle", { class: "host", cx: x(a).toFixed(1), cy: y(b).toFixed(1), r: 2.5 })),
    plot.lines.map(([a, b, c, d], i) => svg("line", { class: "jump", x1: x(a).toFixed(1), y1: y(b).toFixed(1), x2: x(c).toFixed(1), y2: y(d).toFixed(1), "stroke-width": width(plot.jumps[i]).toFixed(2) })),
    plot.sites.map(([a, b], i) => svg("circle", { class: "site", cx: x(a).toFixed(1), cy: y(b).toFixed(1), r: 5, fill: occupancyColour(plot.occupancy[i] / most) }, svg("title", {}, `site ${i}: ${plot.occupancy[i].toFixed(2)} ions`)))),
  el("p", { class: "plot-legend" },
    el("span", { class: "badge" }, "ions in a site: 0 ", el("span", { class: "ramp", style: { background: `linear-gradient(90deg, ${VIRIDIS.join(", ")})` } }), ` ${most.toFixed(2)}`),
    plot.most_jumps ? el("span", { class: "badge" }, `links: the widest ${plot.most_jumps} jumps, the narrowest 1`) : null,
    plot.host_elements.length ? el("span", { class: "badge" }, `grey: ${plot.host_elements.join(", ")}`) : null,
    el("span", { class: "badge" }, `${plot.all_jumps} jumps between ${plot.sites.length} sites`))];
}
