"use strict";
// Unpacking. The packing is described in results/report/columns.py and container.py.

/** Bytes of a gzipped, base64 block of this page. */
async function unpackedBytes(id) {
  const element = document.getElementById(`block-${id}`);
  const raw = atob(element.textContent.trim());
  const packed = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) packed[i] = raw.charCodeAt(i);
  return gunzipped(packed);
}

async function gunzipped(packed) {
  const { readable, writable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  const written = writer.write(packed).then(() => writer.close());
  const parts = [];
  const reader = readable.getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) parts.push(step.value);
  await written;
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}

/** Content and named binary sections of a block. */
async function unpackedBlock(id) {
  const bytes = await unpackedBytes(id);
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const content = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const section = (name) => {
    const [offset, size] = content.sections[name];
    return bytes.subarray(4 + length + offset, 4 + length + offset + size);
  };
  return { content, section };
}

/** Unsigned integers whose four bytes are stored plane by plane. */
function integersFromPlanes(bytes, n) {
  const codes = new Uint32Array(n);
  for (let i = 0; i < n; i += 1) {
    codes[i] = bytes[i] | (bytes[n + i] << 8) | (bytes[2 * n + i] << 16) | (bytes[3 * n + i] << 24);
  }
  return codes;
}

const unzigzag = (code) => (code % 2 ? -(code + 1) / 2 : code / 2);

/** A text column: distinct texts, and which of them each row has. */
class TextColumn {
  constructor(note, bytes, n) {
    this.note = note;
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    this.texts = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
    const steps = integersFromPlanes(bytes.subarray(4 + length), n);
    this.places = new Uint32Array(n);
    for (let i = 0, place = 0; i < n; i += 1) {
      place += unzigzag(steps[i]);
      this.places[i] = place;
    }
  }
  text(row) { return this.texts[this.places[row]]; }
  /** Number of each row whose order is that of the texts; empty ones come last. */
  order() {
    if (!this.sorted) {
      const byText = this.texts.map((_, i) => i);
      const key = this.texts.map((text) => (text === "" ? "\uffff" : text));
      byText.sort((a, b) => (key[a] < key[b] ? -1 : key[a] > key[b] ? 1 : 0));
      const rank = new Uint32Array(byText.length);
      byText.forEach((place, i) => { rank[place] = i; });
      this.sorted = Float64Array.from(this.places, (place) => rank[place]);
      if (this.texts.includes("")) {
        const empty = this.texts.indexOf("");
        this.places.forEach((place, i) => { if (place === empty) this.sorted[i] = NaN; });
      }
    }
    return this.sorted;
  }
}

/** A number column. `values` holds NaN for an empty cell; `text` gives the table's own digits. */
class NumberColumn {
  constructor(note, bytes, n, earlier) {
    this.note = note;
    const codes = note.packing === "json"
      ? Float64Array.from(JSON.parse(new TextDecoder().decode(bytes)))
      : integersFromPlanes(bytes, n);
    const by = (note.by || []).map((key) => earlier[key]);
    this.integers = new Float64Array(n);
    this.values = new Float64Array(n);
    const scale = 10 ** note.decimals;
    for (let i = 0; i < n; i += 1) {
      if (codes[i] < 2) {
        this.values[i] = codes[i] === 0 ? NaN : Infinity;
      } else {
        this.integers[i] = unzigzag(codes[i] - 2) + NumberColumn.expected(by, i);
        this.values[i] = this.integers[i] / scale;
      }
    }
  }
  static expected(by, i) {
    if (by.length === 1) return Number.isFinite(by[0].values[i]) ? by[0].integers[i] : 0;
    if (by.length === 2) {
      const usable = by.every((c) => Number.isFinite(c.values[i])) && by[1].integers[i] > 0;
      return usable ? Math.floor((by[0].integers[i] * 1e6) / by[1].integers[i] + 0.5) : 0;
    }
    return 0;
  }
  text(row) {
    const value = this.values[row];
    if (Number.isNaN(value)) return "";
    return value === Infinity ? "inf" : value.toFixed(this.note.decimals);
  }
  order() { return this.values; }
}

/** The whole table: columns by key, and what else the page knows. */
class Data {
  constructor({ content, section }) {
    this.n = content.n;
    this.content = content;
    this.columns = {};
    for (const note of content.columns) {
      const isNumber = note.kind === "number" || note.kind === "integer";
      this.columns[note.key] = isNumber
        ? new NumberColumn(note, section(note.key), this.n, this.columns)
        : new TextColumn(note, section(note.key), this.n);
    }
    this.keys = content.columns.map((note) => note.key);
    this.detailed = new Set(content.detailed);
    this.criterion = content.criterion;
    this.mdFacts = new Map(content.md_facts || []);
    this.materials = new Map(content.materials || []);
  }
  text(key, row) { return this.columns[key].text(row); }
  value(key, row) { return this.columns[key].values[row]; }
  flags(row) { return this.text("flags", row).split(";").filter(Boolean); }
}
