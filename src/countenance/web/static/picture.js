// Pictures with boxes on them, and faces cut out of them.

const SVG = "http://www.w3.org/2000/svg";
const LEAST_TARGET = 44; // CSS pixels: what a fingertip hits.
const CROP_MARGIN = 0.5; // Of the box's longer side, on each side: as the server cuts the enrolled faces.

function svg(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const waiting = new WeakMap();

// Loads a picture into an <img>; resolves to whether it is shown: not when the browser can't, or another one comes first.
export function showImage(image, url) {
  waiting.get(image)?.(false);
  return new Promise((resolve) => {
    waiting.set(image, resolve);
    image.onload = () => resolve(true);
    image.onerror = () => resolve(false);
    image.src = url;
  });
}

// Boxes over a picture, drawn in the screen's own pixels, so that they stay sharp at any size and density.
export class Boxes {
  constructor(overlay, { onChoose = null } = {}) {
    this.overlay = overlay;
    this.onChoose = onChoose;
    this.boxes = [];
    this.chosen = null;
    new ResizeObserver(() => this.draw()).observe(overlay);
  }

  // `boxes`: [{number, sides, poor}], sides in pixels of a picture of `width` x `height`.
  set(boxes, { width, height, chosen = null }) {
    Object.assign(this, { boxes, width, height, chosen });
    this.draw();
  }

  choose(number) {
    this.chosen = number;
    this.draw();
  }

  clear() {
    this.set([], { width: 1, height: 1 });
  }

  draw() {
    const { clientWidth, clientHeight } = this.overlay;
    this.overlay.replaceChildren();
    if (!clientWidth || !this.boxes.length) return;
    this.overlay.setAttribute("viewBox", `0 0 ${clientWidth} ${clientHeight}`);
    const scale = { x: clientWidth / this.width, y: clientHeight / this.height };
    const order = [...this.boxes].sort((a, b) => (a.number === this.chosen) - (b.number === this.chosen));
    for (const box of order) this.overlay.append(this.group(box, scale, { width: clientWidth, height: clientHeight }));
  }

  group({ number, sides, poor }, scale, screen) {
    const [left, right] = [sides[0], sides[2]].map((x) => Math.round(x * scale.x));
    const [top, bottom] = [sides[1], sides[3]].map((y) => Math.round(y * scale.y));
    const size = { width: Math.max(right - left, 2), height: Math.max(bottom - top, 2) };
    const chosen = number === this.chosen;
    const group = svg("g", { class: `box${chosen ? " chosen" : ""}${poor ? " poor" : ""}`, "data-face": number });
    const grow = { x: Math.max(0, LEAST_TARGET - size.width) / 2, y: Math.max(0, LEAST_TARGET - size.height) / 2 };
    group.append(
      svg("rect", {
        class: "target",
        x: left - grow.x,
        y: top - grow.y,
        width: size.width + 2 * grow.x,
        height: size.height + 2 * grow.y,
      }),
      svg("rect", { class: "halo", x: left, y: top, rx: 3, ...size }),
      svg("rect", { class: "line", x: left, y: top, rx: 3, ...size }),
    );
    if (number !== null) group.append(...this.tag(number, chosen, { left, top, bottom }, screen));
    if (this.onChoose) group.addEventListener("click", () => this.onChoose(number));
    return group;
  }

  tag(number, chosen, { left, top, bottom }, { width, height }) {
    const text = chosen ? `${number} ✓` : String(number);
    const tagWidth = 12 + 8 * text.length;
    const x = Math.min(Math.max(left - 1, 0), width - tagWidth);
    const below = bottom + 24 <= height ? bottom + 3 : top + 3;
    const y = top >= 24 ? top - 24 : below;
    return [
      svg("rect", { class: "tag", x, y, rx: 4, width: tagWidth, height: 21 }),
      svg("text", { class: "number", x: x + tagWidth / 2, y: y + 15.5, "text-anchor": "middle" }, text),
    ];
  }
}

// Cuts a face with its surroundings out of a loaded <img> onto a new canvas of at most `side` device pixels.
export function cutFace(image, sides, { width, height, side }) {
  const [left, top, right, bottom] = sides;
  const half = (Math.max(right - left, bottom - top) * (1 + 2 * CROP_MARGIN)) / 2;
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2 };
  const from = { x: Math.max(0, middle.x - half), y: Math.max(0, middle.y - half) };
  const to = { x: Math.min(width, middle.x + half), y: Math.min(height, middle.y + half) };
  const part = { width: to.x - from.x, height: to.y - from.y };
  const shrink = side / Math.max(part.width, part.height);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(part.width * shrink));
  canvas.height = Math.max(1, Math.round(part.height * shrink));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  const ratio = image.naturalWidth / width;
  context.drawImage(
    image,
    from.x * ratio,
    from.y * ratio,
    part.width * ratio,
    part.height * ratio,
    0,
    0,
    canvas.width,
    canvas.height,
  );
  return canvas;
}

export function copyOf(canvas) {
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  copy.getContext("2d").drawImage(canvas, 0, 0);
  return copy;
}
