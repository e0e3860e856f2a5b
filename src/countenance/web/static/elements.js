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

export const words = (code) => code.replaceAll("-", " ");
export const minute = (moment) => new Date(moment).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
// A day, as `YYYY-MM-DD`, or a moment's day where the reader is.
export const day = (text) =>
  new Date(text.length === 10 ? `${text}T00:00` : text).toLocaleDateString("en", { dateStyle: "medium" });
export const state = (one) => make("span", { text: one.state, class: `state ${one.state}` });

// A list of terms and facts.
export function facts(pairs) {
  return Object.entries(pairs).map(([term, fact]) => make("div", {}, [make("dt", { text: term }), make("dd", { text: fact })]));
}

// Returns what does something and shows everything again; a problem is shown in one line, and nothing entered is lost.
export function attempting(show) {
  return async (act) => {
    showProblem(byId("problem"), null);
    try {
      await act();
      await show();
    } catch (problem) {
      if (problem.needsSignIn) return location.assign("/");
      showProblem(byId("problem"), problem);
      byId("problem").scrollIntoView({ block: "center" });
    }
  };
}

export const counted = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
