// Where a candidate's score stands among the scores that strangers reach against the same probe.

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 260;
const HEIGHT = 44;
const GROUND = 34;

function shape(name, attributes) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

// `strip`: {low, step, shares}, how many strangers score in each bin. Heights are square roots: rare scores stay visible.
export function strip({ low, step, shares }, score, decimal) {
  const width = WIDTH / shares.length;
  const at = (value) => Math.min(Math.max(((value - low) / step) * width, 3), WIDTH - 3);
  const highest = Math.sqrt(Math.max(...shares));
  const best = low + step * (shares.findLastIndex((share) => share > 0) + 1);
  const svg = shape("svg", { class: "strip", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  svg.setAttribute("aria-label", `Of 10,000 made-up strangers none scores above ${decimal(best)} against this probe; this candidate scores ${decimal(score)}.`);
  shares.forEach((share, bin) => {
    if (!share) return;
    const height = Math.max((Math.sqrt(share) / highest) * (GROUND - 4), 1);
    svg.append(shape("rect", { class: "strangers", x: bin * width + 0.5, y: GROUND - height, width: width - 1, height }));
  });
  const x = at(score);
  svg.append(
    shape("line", { class: "ground", x1: 0, x2: WIDTH, y1: GROUND, y2: GROUND }),
    shape("line", { class: "place", x1: x, x2: x, y1: 2, y2: GROUND }),
    shape("path", { class: "place", d: `M${x} ${GROUND} l-5 8 h10 z` }),
  );
  return svg;
}
