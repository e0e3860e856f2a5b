// Talks to the REST API of this origin; every failure becomes a Problem with one line that says what to do.

export class Problem extends Error {
  constructor({ code, detail, hint = "", status = 0, reasons = [] }) {
    super(detail);
    this.code = code;
    this.hint = hint;
    this.status = status;
    this.reasons = reasons;
  }

  get line() {
    if (this.reasons.length > 1) return `This is not permitted, for ${this.reasons.length} reasons.`;
    const [sentence, hint] = [this.message, this.hint].map((text) => text.charAt(0).toUpperCase() + text.slice(1));
    return `${sentence.replace(/[.]$/, "")}. ${hint}`.trim();
  }

  get needsSignIn() {
    return this.status === 401;
  }
}

function unreachable() {
  return new Problem({
    code: "server-unreachable",
    detail: "The server can't be reached",
    hint: "Check that it is running, then try again. Nothing that you entered is lost.",
  });
}

function problemOf(status, text) {
  try {
    const { code, detail, hint, reasons } = JSON.parse(text);
    return new Problem({ code, detail, hint, status, reasons });
  } catch {
    return new Problem({ code: "server-not-understood", detail: `The server answered with status ${status}`, status });
  }
}

export async function request(method, path, { json } = {}) {
  const headers = json === undefined ? {} : { "Content-Type": "application/json" };
  const body = json === undefined ? undefined : JSON.stringify(json);
  let response;
  try {
    response = await fetch(path, { method, headers, body, credentials: "same-origin" });
  } catch {
    throw unreachable();
  }
  if (!response.ok) throw problemOf(response.status, await response.text());
  return response.status === 204 ? null : response.json();
}

// Sends a form; a list becomes one field for each. `onProgress` gets the share sent, 0 to 1: fetch can't tell, XMLHttpRequest can.
export function upload(path, fields, { onProgress = () => {}, signal, responseType = "json" } = {}) {
  const form = new FormData();
  for (const [name, values] of Object.entries(fields)) {
    for (const value of [values].flat()) if (value !== null && value !== undefined && value !== "") form.append(name, value);
  }
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", path);
    xhr.responseType = "blob";
    xhr.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    xhr.addEventListener("error", () => reject(unreachable()));
    xhr.addEventListener("abort", () => reject(new DOMException("superseded", "AbortError")));
    xhr.addEventListener("load", async () => {
      const succeeded = xhr.status >= 200 && xhr.status < 300;
      if (succeeded && responseType === "blob") resolve(xhr.response);
      else if (succeeded) resolve(JSON.parse(await xhr.response.text()));
      else reject(problemOf(xhr.status, await xhr.response.text()));
    });
    signal?.addEventListener("abort", () => xhr.abort());
    xhr.send(form);
  });
}
