/**
 * The folder that `mien web` writes, opened: its networks in a worker.
 * @typedef {{head: string, heads: Record<string, object>}} Model
 * @typedef {{model: string, common: object, models: Record<string, Model>}} Told
 */

import { Device } from "./device.js";

/** @param {import("./reader.js").LoadOptions} options @returns {Promise<Device>} With everything loaded. */
export async function openFolder({ base = new URL("./", import.meta.url), model, head }) {
  const home = new URL("./", new URL(base, document.baseURI));
  if (home.origin !== location.origin)
    throw new Error(
      `expected mien's files on the same site as the page, ${location.origin}; got ${home.origin}: copy ` +
        "the folder there",
    );
  const device = new Device(chosen(await told(new URL("settings.json", home)), model, head), home);
  try {
    await device.ready;
  } catch (error) {
    device.close();
    throw error;
  }
  return device;
}

/** @param {URL} url @returns {Promise<Told>} */
async function told(url) {
  const missing = (/** @type {string} */ got) =>
    new Error(`${url.pathname}: expected what mien web writes; ${got}: copy mien's folder to the site`);
  let answer;
  try {
    answer = await fetch(url);
  } catch (error) {
    throw missing(`the server does not answer (${error.message})`);
  }
  if (!answer.ok) throw missing(`the server answered ${answer.status}`);
  const content = await answer.json().catch(() => null);
  if (!content?.models) throw missing("got something else");
  return content;
}

/**
 * @param {Told} all
 * @param {string} [model]
 * @param {string} [head]
 */
function chosen({ model: first, common, models }, model = first, head = undefined) {
  const pick = (
    /** @type {string} */ what,
    /** @type {Record<string, any>} */ of,
    /** @type {string} */ name,
  ) => {
    if (!Object.hasOwn(of, name))
      throw new Error(`expected a ${what} out of ${Object.keys(of).join(", ")}; got ${JSON.stringify(name)}`);
    return of[name];
  };
  const found = pick("model", models, model);
  return /** @type {import("./settings.js").Settings} */ ({
    ...common,
    ...pick("head", found.heads, head ?? found.head),
  });
}
