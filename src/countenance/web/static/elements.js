// Small things that the page's parts share: finding, making and showing elements.

export const byId = (id) => document.getElementById(id);

// Makes an element. Text goes in as text, never as markup.
export function make(tag, { text, ...attributes } = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}

export function showProblem(place, problem) {
  place.textContent = problem === null ? "" : problem.line;
  place.hidden = problem === null;
}

export const counted = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
