// Passkeys: the browser's own calls, with what goes wrong turned into a line that says what to do.

import { Problem } from "/static/server.js";

// Passkeys belong to a name; a page at an address of numbers can't have any.
export const canUsePasskeys = () =>
  "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential && !/^[\d.:[\]]+$/.test(location.hostname);

async function ask(call) {
  try {
    return (await call()).toJSON();
  } catch {
    throw new Problem({
      code: "passkey-not-used",
      detail: "The passkey was not used",
      hint: "Try again, and unlock the device when it asks.",
    });
  }
}

export const usePasskey = (options) =>
  ask(() => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }));

export const makePasskey = (options) =>
  ask(() => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }));
