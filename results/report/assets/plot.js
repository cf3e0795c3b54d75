// Barrier of the cation against the ratio, on a canvas: tens of thousands of points stay quick.

const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#b0508a", "#8a6d00", "#2b2b2b", "#5c4bb5"];
const DARK = ["#56b4e9", "#ff8c42", "#2fd6a0", "#f09ad0", "#f0e442", "#e6e9ec", "#a99bff"];
const OTHER = ["#8c959f", "#6e7781"];
const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "ring", "down"];
const MARGIN = { left: 56, right: 14, top: 10, bottom: 44 };
const POINTER_REACH = 14;
const HOME = { linear: { x: [0, 2.5], y: [0, 1.6] }, log: { x: [0.1, 10], y: [0.05, 5] } };

const isDark = () => document.documentElement.dataset.theme === "dark";

/** Shape and colour of each anion's element: by how often it occurs, so that the common ones differ most. */
class Marks {
  constructor(elements) {
    this.elements = elements;
    this.places = new Map(elements.map((element, i) => [element, Math.min(i, LIGHT.length)]));
  }
  place(anion) { return this.places.get(elementOf(anion)); }
  colour(anion) {
    const place = this.place(anion) ?? LIGHT.length;
    if (place >= LIGHT.length) return OTHER[isDark() ? 0 : 1];
    return (isDark() ? DARK : LIGHT)[place];
  }
  shape(anion) { return SHAPES[this.place(anion) ?? 0] || "circle"; }
}

/** Path of a mark around (x, y). */
function markPath(context, shape, x, y, r) {
  context.beginPath();
  if (shape === "square") context.rect(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76);
  else if (shape === "triangle" || shape === "down") {
    const up = shape === "down" ? -1 : 1;
    context.moveTo(x, y - up * r * 1.15);
    context.lineTo(x + r * 1.05, y + up * r * 0.75);
    context.lineTo(x - r * 1.05, y + up * r * 0.75);
    context.closePath();
  } else if (shape === "diamond") {
    context.moveTo(x, y - r * 1.25); context.lineTo(x + r, y);
    context.lineTo(x, y + r * 1.25); context.lineTo(x - r, y); context.closePath();
  } else if (shape === "cross") {
    const w = r * 0.38;
    for (const [a, b, c, d] of [[-r, -w, 2 * r, 2 * w], [-w, -r, 2 * w, 2 * r]]) context.rect(x + a, y + b, c, d);
  } else {
    context.arc(x, y, r, 0, 2 * Math.PI);
    if (shape === "ring") context.arc(x, y, r * 0.5, 0, 2 * Math.PI, true);
  }
}

/** Blend a stamp into an image inside an area [left, top, right, bottom]. */
function blend(image, stamp, x, y, [left, top, right, bottom]) {
  if (!(x > left - stamp.half && x < right + stamp.half && y > top - stamp.half && y < bottom + stamp.half)) return;
  const { data, width } = image;
  for (const { dx, dy, alpha } of stamp.pixels) {
    const px = x + dx;
    const py = y + dy;
    if (px < left || px >= right || py < top || py >= bottom) continue;
    const at = 4 * (py * width + px);
    const rest = (data[at + 3] / 255) * (1 - alpha);
    const whole = alpha + rest;
    data[at] = (stamp.red * alpha + data[at] * rest) / whole;
    data[at + 1] = (stamp.green * alpha + data[at + 1] * rest) / whole;
    data[at + 2] = (stamp.blue * alpha + data[at + 2] * rest) / whole;
    data[at + 3] = 255 * whole;
  }
}

/** Steps 1, 2, 5 × 10ⁿ. */
function ticks(low, high, log) {
  const found = [];
  if (log) {
    for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p += 1) {
      for (const m of high / low > 200 ? [1] : [1, 2, 5]) {
        const v = m * 10 ** p;
        if (v >= low && v <= high) found.push(v);
      }
    }
    return found;
  }
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  for (let i = Math.ceil(low / step); i * step <= high; i += 1) found.push(i * step);
  return found;
}

const tickText = (v) => String(Number(v.toPrecision(6)));

class Plot {
  constructor({ canvas, tip, data, marks, open }) {
    Object.assign(this, { canvas, tip, data, marks, open, log: false, near: -1, points: [] });
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.view = { x: [...HOME.linear.x], y: [...HOME.linear.y] };
    this.listen();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Show rows: energies and ratios of the chosen dimension and reading. */
  setRows(rows, dimension, inverse) {
    const energy = this.data.columns[`e${dimension}d_cation_ev`].values;
    const anion = this.data.columns[`e${dimension}d_anion_ev`].values;
    const ratio = this.data.columns[`ratio_${dimension}d`].values;
    Object.assign(this, { dimension, inverse, points: [], near: -1, without: 0 });
    for (const row of rows) {
      const x = inverse ? energy[row] / anion[row] : ratio[row];
      const y = energy[row];
      if (Number.isFinite(x) && Number.isFinite(y)) this.points.push({ row, x, y });
      else this.without += 1;
    }
    this.points.sort((a, b) => a.x - b.x || a.y - b.y);
    this.hideTip();
    this.draw();
  }
  setLog(log) {
    this.log = log;
    this.home();
  }
  home() {
    const { x, y } = HOME[this.log ? "log" : "linear"];
    this.view = { x: [...x], y: [...y] };
    this.draw();
  }
  showAll() {
    const usable = this.points.filter((p) => !this.log || (p.x > 0 && p.y > 0));
    if (!usable.length) return;
    for (const axis of ["x", "y"]) {
      let low = Infinity;
      let high = -Infinity;
      for (const point of usable) { low = Math.min(low, point[axis]); high = Math.max(high, point[axis]); }
      const pad = this.log ? 1.2 : (high - low) * 0.04 || 0.1;
      this.view[axis] = this.log ? [low / pad, high * pad] : [Math.max(0, low - pad), high + pad];
    }
    this.draw();
  }

  /** How many points lie beyond each side of the window, in words; empty where none does. */
  outside() {
    const { x, y } = this.view;
    const counts = { left: 0, right: 0, below: 0, above: 0 };
    let all = 0;
    for (const point of this.points) {
      const sides = { left: point.x < x[0], right: point.x > x[1], below: point.y < y[0], above: point.y > y[1] };
      for (const side of Object.keys(sides)) if (sides[side]) counts[side] += 1;
      if (Object.values(sides).some(Boolean)) all += 1;
    }
    const told = Object.entries(counts).filter(([, n]) => n).map(([side, n]) => `${n.toLocaleString("en")} ${side}`);
    return all ? `${all.toLocaleString("en")} outside this window (${told.join(", ")})` : "";
  }
  scale(v) { return this.log ? Math.log10(Math.max(v, 1e-6)) : v; }
  unscale(v) { return this.log ? 10 ** v : v; }
  span(axis) { return this.view[axis].map((v) => this.scale(v)); }
  place(point) {
    const [x0, x1] = this.span("x");
    const [y0, y1] = this.span("y");
    return [
      MARGIN.left + ((this.scale(point.x) - x0) / (x1 - x0)) * this.inner.w,
      MARGIN.top + (1 - (this.scale(point.y) - y0) / (y1 - y0)) * this.inner.h,
    ];
  }

  draw() {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    if (!w || !h) return;
    const dots = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(w * dots) || this.canvas.height !== Math.round(h * dots)) {
      this.canvas.width = Math.round(w * dots);
      this.canvas.height = Math.round(h * dots);
    }
    this.inner = { w: w - MARGIN.left - MARGIN.right, h: h - MARGIN.top - MARGIN.bottom };
    const { context } = this;
    context.setTransform(dots, 0, 0, dots, 0, 0);
    context.clearRect(0, 0, w, h);
    this.drawFrame(context);
    context.save();
    context.beginPath();
    context.rect(MARGIN.left, MARGIN.top, this.inner.w, this.inner.h);
    context.clip();
    this.drawRegion(context);
    this.drawPoints(context, dots);
    context.restore();
    if (this.viewed) this.viewed();
  }
  drawFrame(context) {
    const front = cssVariable("--front");
    context.font = "12px system-ui, sans-serif";
    context.lineWidth = 1;
    const bottom = MARGIN.top + this.inner.h;
    for (const v of ticks(...this.view.x, this.log)) {
      const [x] = this.place({ x: v, y: this.view.y[0] });
      this.line(context, cssVariable("--line"), x, MARGIN.top, x, bottom);
      context.fillStyle = front; context.textAlign = "center"; context.textBaseline = "top";
      context.fillText(tickText(v), x, bottom + 5);
    }
    for (const v of ticks(...this.view.y, this.log)) {
      const [, y] = this.place({ x: this.view.x[0], y: v });
      this.line(context, cssVariable("--line"), MARGIN.left, y, MARGIN.left + this.inner.w, y);
      context.fillStyle = front; context.textAlign = "right"; context.textBaseline = "middle";
      context.fillText(tickText(v), MARGIN.left - 6, y);
    }
    context.fillStyle = front;
    context.textAlign = "center"; context.textBaseline = "bottom";
    const d = `${this.dimension || 3}D`;
    const label = this.inverse ? `E(cation) / E(anion), ${d}` : `E(anion) / E(cation), ${d}`;
    context.fillText(label, MARGIN.left + this.inner.w / 2, bottom + MARGIN.bottom - 4);
    context.save();
    context.translate(14, MARGIN.top + this.inner.h / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(`E(cation), ${d} / eV`, 0, 0);
    context.restore();
  }
  line(context, colour, x0, y0, x1, y1) {
    context.strokeStyle = colour;
    context.beginPath(); context.moveTo(x0, y0); context.lineTo(x1, y1); context.stroke();
  }
  drawRegion(context) {
    const { min_ratio: low, max_ratio: high, max_cation_barrier_ev: top } = this.data.criterion;
    const [x0, y0] = this.place({ x: this.log ? Math.max(low, 1e-6) : low, y: top });
    const [x1] = this.place({ x: high, y: top });
    const y1 = MARGIN.top + this.inner.h;
    context.fillStyle = cssVariable("--region");
    context.fillRect(x0, y0, x1 - x0, y1 - y0);
    context.setLineDash([5, 4]);
    for (const edge of [[x0, y0, x1, y0], [x0, y0, x0, y1], [x1, y0, x1, y1]]) this.line(context, cssVariable("--good"), ...edge);
    context.setLineDash([]);
    context.fillStyle = cssVariable("--good");
    context.textAlign = "left"; context.textBaseline = "top";
    if (x1 - x0 > 40) context.fillText("DAI", Math.max(x0, MARGIN.left) + 5, Math.max(y0, MARGIN.top) + 4);
  }
  /** Points are blended into the canvas's pixels by hand: 40,000 drawImage calls would take long. */
  drawPoints(context, dots) {
    const many = this.points.length;
    const r = many > 5000 ? 2.6 : many > 500 ? 3.6 : 5;
    const image = context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    const area = [MARGIN.left, MARGIN.top, MARGIN.left + this.inner.w, MARGIN.top + this.inner.h].map((v) => Math.round(v * dots));
    const stamps = new Map();
    for (const point of this.points) {
      const [x, y] = this.place(point);
      const anion = this.data.text("anion", point.row);
      if (!stamps.has(anion)) stamps.set(anion, this.stamp(anion, r * dots, many > 5000 ? 0.6 : 0.85));
      blend(image, stamps.get(anion), Math.round(x * dots), Math.round(y * dots), area);
    }
    context.putImageData(image, 0, 0);
    if (this.near >= 0) {
      const [x, y] = this.place(this.points[this.near]);
      context.strokeStyle = cssVariable("--front"); context.lineWidth = 2;
      context.beginPath(); context.arc(x, y, r + 4, 0, 2 * Math.PI); context.stroke();
      context.lineWidth = 1;
    }
  }
  /** A mark as pixels around its middle: their offsets, opacities and one colour. */
  stamp(anion, r, opacity) {
    const half = Math.ceil(r * 1.3) + 1;
    const size = 2 * half + 1;
    const context = el("canvas", { width: size, height: size }).getContext("2d");
    context.fillStyle = this.marks.colour(anion);
    markPath(context, this.marks.shape(anion), half + 0.5, half + 0.5, r);
    context.fill();
    const { data } = context.getImageData(0, 0, size, size);
    const pixels = [];
    for (let i = 0; i < size * size; i += 1) {
      const alpha = (data[4 * i + 3] / 255) * opacity;
      if (alpha > 0.02) pixels.push({ dx: (i % size) - half, dy: Math.floor(i / size) - half, alpha });
    }
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(this.marks.colour(anion).slice(at, at + 2), 16));
    return { pixels, red, green, blue, half };
  }

  nearest(x, y) {
    let best = -1;
    let least = POINTER_REACH ** 2;
    this.points.forEach((point, i) => {
      const [px, py] = this.place(point);
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least) { least = distance; best = i; }
    });
    return best;
  }
  inside(x, y) {
    return x >= MARGIN.left && x <= MARGIN.left + this.inner.w && y >= MARGIN.top && y <= MARGIN.top + this.inner.h;
  }
  point(i) {
    if (i === this.near) return;
    this.near = i;
    if (i < 0) this.hideTip();
    else this.showTip(this.points[i]);
    this.draw();
  }
  hideTip() { this.tip.hidden = true; }
  showTip(point) {
    const { data, dimension } = this;
    const text = (key) => data.text(key, point.row);
    const flags = data.flags(point.row).map(words);
    refill(this.tip,
      el("strong", {}, formulaNodes(text("reduced_formula"))), ` ${ionText(text("cation"))} ${ionText(text("anion"))}`, el("br"),
      text("source_id"), el("br"),
      [1, 2, 3].map((d) => [`${d}D  ${shown(text(`e${d}d_cation_ev`))} / ${shown(text(`e${d}d_anion_ev`))} eV, ratio ${shown(text(`ratio_${d}d`)) || "–"}`,
        d === dimension ? " ◂" : "", el("br")]),
      flags.length ? el("span", { class: "dim" }, flags.join(", ")) : null);
    this.tip.hidden = false;
    const [x, y] = this.place(point);
    const { offsetWidth: w, offsetHeight: h } = this.tip;
    this.tip.style.left = `${Math.max(0, x + w + 16 > this.canvas.clientWidth ? x - w - 12 : x + 12)}px`;
    this.tip.style.top = `${Math.max(0, Math.min(y - h / 2, this.canvas.clientHeight - h))}px`;
  }

  zoom(factor, x, y) {
    const at = { x: (x - MARGIN.left) / this.inner.w, y: 1 - (y - MARGIN.top) / this.inner.h };
    for (const axis of ["x", "y"]) {
      const [low, high] = this.span(axis);
      const fixed = low + at[axis] * (high - low);
      this.view[axis] = [fixed + (low - fixed) * factor, fixed + (high - fixed) * factor].map((v) => this.unscale(v));
    }
    this.draw();
  }
  zoomMiddle(factor) { this.zoom(factor, MARGIN.left + this.inner.w / 2, MARGIN.top + this.inner.h / 2); }
  pan(dx, dy) {
    const [x0, x1] = this.span("x");
    const [y0, y1] = this.span("y");
    const sx = (-dx / this.inner.w) * (x1 - x0);
    const sy = (dy / this.inner.h) * (y1 - y0);
    this.view.x = [x0 + sx, x1 + sx].map((v) => this.unscale(v));
    this.view.y = [y0 + sy, y1 + sy].map((v) => this.unscale(v));
    this.draw();
  }

  listen() {
    const { canvas } = this;
    const fingers = new Map();
    let moved = 0;
    canvas.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
      moved = 0;
      if (event.pointerType === "mouse") canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const from = fingers.get(event.pointerId);
      const to = [event.offsetX, event.offsetY];
      if (!from) { this.point(this.inside(...to) ? this.nearest(...to) : -1); return; }
      moved += Math.abs(to[0] - from[0]) + Math.abs(to[1] - from[1]);
      if (fingers.size === 2) this.pinch(fingers, event.pointerId, to);
      else if (event.pointerType === "mouse" && moved > 4) this.pan(to[0] - from[0], to[1] - from[1]);
      fingers.set(event.pointerId, to);
    });
    const end = (event) => fingers.delete(event.pointerId);
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") this.point(-1); });
    canvas.addEventListener("click", (event) => {
      if (moved > 4) return;
      const found = this.nearest(event.offsetX, event.offsetY);
      const byTouch = event.pointerType === "touch" && found !== this.near;
      this.point(found);
      if (found >= 0 && !byTouch) this.open(this.points[found].row);
    });
    canvas.addEventListener("dblclick", () => this.home());
    canvas.addEventListener("wheel", (event) => {
      if (!(event.ctrlKey || event.shiftKey || document.activeElement === canvas)) return;
      event.preventDefault();
      this.zoom(event.deltaY + event.deltaX > 0 ? 1.2 : 1 / 1.2, event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.point(-1));
  }
  pinch(fingers, moving, to) {
    const [other] = [...fingers].filter(([id]) => id !== moving).map(([, at]) => at);
    const from = fingers.get(moving);
    const before = Math.hypot(from[0] - other[0], from[1] - other[1]);
    const after = Math.hypot(to[0] - other[0], to[1] - other[1]);
    if (before > 10 && after > 10) this.zoom(before / after, (to[0] + other[0]) / 2, (to[1] + other[1]) / 2);
  }
  key(event) {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (step) this.walk(step);
    else if (event.key === "Enter" && this.near >= 0) this.open(this.points[this.near].row);
    else if (event.key === "+" || event.key === "=") this.zoomMiddle(1 / 1.3);
    else if (event.key === "-") this.zoomMiddle(1.3);
    else if (event.key === "0") this.home();
    else if (event.key === "Escape") this.point(-1);
    else return;
    event.preventDefault();
  }
  /** To the next point in view, from left to right. */
  walk(step) {
    const n = this.points.length;
    for (let i = 1, at = this.near < 0 && step < 0 ? n : this.near; i <= n; i += 1) {
      at += step;
      if (at < 0 || at >= n) return;
      const [x, y] = this.place(this.points[at]);
      if (this.inside(x, y)) { this.point(at); return; }
    }
  }
}

/** A number's text with three digits after the point, or three digits of a tiny one; all else as it is. */
const shown = (text) => {
  if (text === "inf") return "∞";
  if (!/^-?\d+\.\d{4,}$/.test(text)) return text;
  const value = Number(text);
  return value !== 0 && Math.abs(value) < 5e-4 ? value.toExponential(2) : value.toFixed(3);
};
