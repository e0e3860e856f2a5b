// The photographs of one person that are searched with together: which there are, and which one is looked at.

import { byId, make } from "/static/elements.js";
import { copyOf } from "/static/picture.js";

const most = Number(document.body.dataset.maxPhotographs);

// A photograph: its file, where it can be shown from, the faces found in it, the one chosen, that one cut out, the
// reading that is under way, and what went wrong with it.
const photograph = () => ({ file: null, url: null, found: null, chosen: null, cut: null, reading: null, problem: null });

export class Photographs {
  // `onLook` is told of a photograph that is to be looked at; `onChange`, that there is one fewer.
  constructor({ onLook, onChange }) {
    Object.assign(this, { all: [photograph()], onLook, onChange });
    this.current = this.all[0];
  }

  get room() {
    return most - this.all.length;
  }

  // What is searched with, to be held against what was.
  get chosen() {
    return this.all.flatMap(({ found, chosen }) => [found, chosen]);
  }

  // Another one, looked at from now on.
  add() {
    this.current = photograph();
    this.all.push(this.current);
    return this.current;
  }

  look(one) {
    this.current = one;
    this.onLook(one);
    this.draw();
  }

  remove(one) {
    one.reading?.abort();
    if (one.url) URL.revokeObjectURL(one.url);
    const at = this.all.indexOf(one);
    this.all.splice(at, 1);
    if (one === this.current) this.look(this.all[Math.max(at - 1, 0)]);
    else this.draw();
    this.onChange();
    byId("further-file").focus();
  }

  draw() {
    byId("together").hidden = this.all[0].file === null;
    byId("add").hidden = this.room <= 0;
    byId("photographs").replaceChildren(...(this.all.length > 1 ? this.all.map((one, at) => this.item(one, at + 1)) : []));
  }

  item(one, number) {
    const { file, cut, chosen } = one;
    const look = make("button", { type: "button", class: `photograph-choice${chosen === null ? " open" : ""}`, "aria-pressed": String(one === this.current) }, [
      cut ? copyOf(cut) : make("span", { class: "no-cut", text: "?", "aria-hidden": "true" }),
      make("span", { class: "photograph-name", text: `${number}. ${file.name}` }),
      make("span", { class: "photograph-state", text: stateOf(one) }),
    ]);
    look.addEventListener("click", () => this.look(one));
    const remove = make("button", { type: "button", class: "quiet", "aria-label": `Leave out photograph ${number}, ${file.name}`, text: "✕" });
    remove.addEventListener("click", () => this.remove(one));
    return make("li", {}, [look, remove]);
  }
}

function stateOf({ found, chosen, reading, problem }) {
  if (reading) return "looking for faces…";
  if (problem) return "can't be read";
  if (chosen !== null) return `face ${chosen}`;
  return found?.faces.length ? "choose a face" : "no face";
}
