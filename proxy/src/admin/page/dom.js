// Builds and updates the page. Every text that came from elsewhere goes through textContent or an attribute without
// behaviour: names, reasons and actors are whatever somebody wrote.

const SVG = "http://www.w3.org/2000/svg";

export const find = (id) => document.getElementById(id);

/** An element with attributes and children; a child may be a text. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for pictures. */
export function picture(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) set(node, key, value);
  node.append(...children);
  return node;
}

/** Sets a text only when it is another one: a selection stays, and nothing is announced twice. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets or takes away an attribute, likewise. */
export function set(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : String(value));
}

/**
 * Makes `parent` hold one child for each item, in order. A child is made once for each key, and lives as long as its
 * item, so that the focus stays where it is. `make(item)` returns `{ node, update(item) }`.
 */
export function keyed(parent, items, keyOf, make) {
  parent.known ??= new Map();
  const known = parent.known;
  const wanted = new Set(items.map(keyOf));
  for (const [key, child] of known) {
    if (!wanted.has(key)) {
      child.node.remove();
      known.delete(key);
    }
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    if (!known.has(key)) known.set(key, make(item));
    const child = known.get(key);
    child.update?.(item);
    if (child.node === place) place = place.nextElementSibling;
    else parent.insertBefore(child.node, place);
  }
}

/** A verdict's mark: a shape of its own for each, for those who see no colours. */
export function mark(verdict) {
  const use = picture("use");
  const node = picture("svg", { class: "mark", viewBox: "0 0 24 24", "aria-hidden": "true" }, use);
  return { node, update: (now) => set(use, "href", `#v-${now}`) };
}

/** A verdict as it is shown everywhere: mark and word. */
export function badge() {
  const shape = mark();
  const word = element("span");
  const node = element("span", { class: "badge" }, shape.node, word);
  return {
    node,
    update(verdict, text) {
      set(node, "data-verdict", verdict);
      shape.update(verdict);
      say(word, text);
    },
  };
}

/**
 * A line over the last fifteen minutes with room for `steps` values; `null` leaves a gap. `update` takes the values,
 * the value at the top, and what to say of it.
 */
export function sparkline(kind, steps) {
  const height = 32;
  const area = picture("path", { class: "area" });
  const line = picture("path", { class: "line", "vector-effect": "non-scaling-stroke" });
  const node = picture("svg", {
    class: `spark ${kind}`, role: "img", viewBox: `0 -1 ${steps - 1} ${height + 2}`, preserveAspectRatio: "none",
  }, area, line);
  return {
    node,
    update(values, top, words) {
      const from = steps - values.length;
      const y = (value) => (height - Math.min(1, top > 0 ? value / top : 0) * height).toFixed(1);
      let [path, fills, start] = ["", "", null];
      values.forEach((value, index) => {
        const x = from + index;
        const known = value !== null && value !== undefined;
        if (known) {
          path += `${start === null ? "M" : "L"}${x} ${y(value)}`;
          fills += start === null ? `M${x} ${height}L${x} ${y(value)}` : `L${x} ${y(value)}`;
          start ??= x;
        }
        if (start !== null && (!known || index === values.length - 1)) {
          const end = known ? x : x - 1;
          // One value alone would be a line without a length.
          if (end === start) path += `L${end + 0.6} ${y(known ? value : values[index - 1])}`;
          fills += `L${end} ${height}Z`;
          start = null;
        }
      });
      set(line, "d", path);
      set(area, "d", fills);
      set(node, "data-flat", !values.some((value) => value > 0));
      set(node, "aria-label", words);
    },
  };
}
