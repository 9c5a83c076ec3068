// SPDX-License-Identifier: Apache-2.0

/** What the stores refuse, found before a package is sent to them. */

const MB = 1 << 20;
/** The largest package each store takes. */
const LARGEST = { chrome: 2048 * MB, firefox: 200 * MB };
/** In characters; Chrome's, the stricter of both. */
const LONGEST_NAME = 75;
const LONGEST_DESCRIPTION = 132;
/** The one icon that both stores show. */
const STORE_ICON = "128";
/** Fields of packages that do not come from a store. */
const FOREIGN = ["key", "update_url"];

/**
 * All that is wrong with a package; empty: the store takes it.
 * @param {"chrome" | "firefox"} store
 * @param {Record<string, Uint8Array>} files
 * @param {number} size of the packed archive, in bytes
 * @returns {string[]}
 */
export function complaints(store, files, size) {
  if (!files["manifest.json"]) return ["manifest.json is not there"];
  const manifest = json(files, "manifest.json");
  return [
    ...(size > LARGEST[store] ? [`the archive has ${size} bytes; ${LARGEST[store]} are allowed`] : []),
    ...ofManifest(manifest, store),
    ...ofTexts(manifest, files),
    ...named(manifest).filter((name) => !files[name]).map((name) => `manifest.json names ${name}, which is not there`),
    ...Object.keys(files).filter(isStray).map((name) => `${name} does not belong into a package`),
    ...ofRoot(files),
  ];
}

function ofManifest(manifest, store) {
  const wrong = [];
  if (manifest.manifest_version !== 3) wrong.push("manifest_version must be 3");
  if (!isVersion(manifest.version)) wrong.push(`version ${manifest.version} must be one to four numbers from 0 to 65535 with dots between them, and not all 0`);
  if (!manifest.icons?.[STORE_ICON]) wrong.push(`icons must have one of ${STORE_ICON} pixels`);
  for (const field of FOREIGN) if (manifest[field] !== undefined) wrong.push(`${field} must not be in manifest.json`);
  if (store === "firefox") {
    const gecko = manifest.browser_specific_settings?.gecko;
    if (!/^[\w.-]*@[\w.-]+$/.test(gecko?.id ?? "")) wrong.push("browser_specific_settings.gecko.id must look like name@host");
    if (!gecko?.strict_min_version) wrong.push("browser_specific_settings.gecko.strict_min_version must be there");
    if (!gecko?.data_collection_permissions?.required?.length) wrong.push("browser_specific_settings.gecko.data_collection_permissions must say what is collected");
  }
  return wrong;
}

function isVersion(version) {
  const parts = String(version).split(".");
  return parts.length <= 4 && parts.every((part) => /^(0|[1-9]\d{0,4})$/.test(part) && Number(part) <= 65535) && parts.some((part) => part !== "0");
}

/** Every language must have what manifest.json asks for, in the length that the stores show. */
function ofTexts(manifest, files) {
  const locales = Object.keys(files).flatMap((name) => /^_locales\/([^/]+)\/messages\.json$/.exec(name)?.[1] ?? []);
  if (!locales.includes(manifest.default_locale)) return [`default_locale ${manifest.default_locale} has no _locales/${manifest.default_locale}/messages.json`];
  const asked = [...JSON.stringify(manifest).matchAll(/__MSG_(\w+)__/g)].map(([, key]) => key);
  return locales.flatMap((locale) => {
    const messages = json(files, `_locales/${locale}/messages.json`);
    const say = (text) => String(text).replace(/__MSG_(\w+)__/g, (_, key) => messages[key]?.message ?? "");
    const longer = (field, most) => {
      const { length } = say(manifest[field]);
      return length === 0 || length > most ? [`${field} in ${locale} has ${length} characters; 1 to ${most} are allowed`] : [];
    };
    const lacking = [...new Set(asked)].filter((key) => !messages[key]?.message);
    return [...lacking.map((key) => `${locale} does not say ${key}`), ...longer("name", LONGEST_NAME), ...longer("description", LONGEST_DESCRIPTION)];
  });
}

/** The files that manifest.json names. */
function named(manifest) {
  const { action, background, content_scripts: scripts, icons, options_ui: options, side_panel: panel, sidebar_action: sidebar } = manifest;
  const paths = [
    ...Object.values(icons ?? {}),
    ...Object.values(action?.default_icon ?? {}),
    action?.default_popup,
    background?.service_worker,
    ...(background?.scripts ?? []),
    ...(scripts ?? []).flatMap(({ js, css }) => [...(js ?? []), ...(css ?? [])]),
    options?.page,
    panel?.default_path,
    sidebar?.default_panel,
  ];
  return [...new Set(paths.filter((path) => path !== undefined))];
}

function isStray(name) {
  return name.split("/").some((part) => part.startsWith(".")) || name.startsWith("_metadata/") || /\.(map|ts|key|pem|zip|crx|xpi)$/.test(name);
}

/** The root by which every rule update is judged: a package without a sound one could never be updated. */
function ofRoot(files) {
  if (!files["trust.json"]) return ["trust.json, the maintainers' root, is not there"];
  const { version, threshold, keys } = json(files, "trust.json");
  const sound = Number.isInteger(version) && version >= 1 && Array.isArray(keys) && new Set(keys).size === keys.length && threshold >= 2 && threshold <= keys.length;
  return sound ? [] : ["trust.json must name a version, different keys, and a threshold of at least 2 of them"];
}

function json(files, name) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(files[name]));
  } catch (error) {
    throw new Error(`${name}: ${error.message}`);
  }
}
