// The parts of which the page is made. Text from other people is inserted as text nodes only, never as HTML.

export const $ = (id) => document.getElementById(id);

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

const HUES = [20, 48, 80, 128, 155, 185, 215, 250, 280, 305, 335, 358];

const hues = new Map(); // hues in use, by name

function hueIndex(name) {
  let hash = 2166136261;
  for (const char of name) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
  return ((hash ^ (hash >>> 13)) >>> 0) % HUES.length;
}

/** Returns the hue for a name. If its first choice is in use, the next free one is taken. */
function hueOf(name) {
  if (!hues.has(name)) {
    const used = new Set(hues.values());
    let index = hueIndex(name);
    for (let i = 0; i < HUES.length && used.has(HUES[index]); i++) index = (index + 5) % HUES.length;
    hues.set(name, HUES[index]);
  }
  return hues.get(name);
}

const graphemes = Intl.Segmenter ? new Intl.Segmenter() : null;

export function initials(name) {
  const first = (text) => (graphemes ? (graphemes.segment(text)[Symbol.iterator]().next().value?.segment ?? "") : [...text][0]);
  const words = name.split(/[\s._-]+/).filter(Boolean);
  if (words.length > 1) return (first(words[0]) + first(words.at(-1))).toUpperCase();
  const word = words[0] ?? name;
  const start = first(word);
  return (/^\p{L}/u.test(start) ? start + first(word.slice(start.length)) : start).toUpperCase();
}

/** Returns the hue for a name that is being typed, which takes none. */
export const likelyHue = (name) => hues.get(name) ?? HUES[hueIndex(name)];

export function avatar(name) {
  const node = el("span", { className: "avatar", ariaHidden: "true" }, initials(name));
  node.style.setProperty("--hue", hueOf(name));
  return node;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const calendarWithYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const complete = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
export const dayOf = (at) => new Date(at).toDateString();

export function dayName(at) {
  const now = new Date();
  if (dayOf(at) === dayOf(now)) return "Today";
  if (dayOf(at) === new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1).toDateString()) return "Yesterday";
  return (new Date(at).getFullYear() === now.getFullYear() ? calendar : calendarWithYear).format(at);
}

/** Returns text as nodes, with web addresses as links. */
function linkify(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"']+/gi)) {
    let address = match[0].replace(/[.,;:!?]+$/, "");
    if (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1);
    if (!URL.canParse?.(address)) continue;
    nodes.push(text.slice(end, match.index));
    nodes.push(el("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, address));
    end = match.index + address.length;
  }
  nodes.push(text.slice(end));
  return nodes;
}

const isJumbo = (text) => text.length <= 24 && /^(\p{Extended_Pictographic}[\p{M}\p{Emoji_Modifier}\u200d\ufe0f]*){1,4}$/u.test(text);
export const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

export function messageNode({ from, at, text }, isOwn) {
  const time = (props) => el("time", { dateTime: new Date(at).toISOString(), title: complete.format(at), ...props }, clock.format(at));
  const node = el(
    "li",
    { className: `msg${isOwn ? " own" : ""}${isJumbo(text) ? " jumbo" : ""}` },
    avatar(from),
    el("div", { className: "head" }, el("bdi", {}, from), time({})),
    el("div", { className: "said", dir: "auto", title: complete.format(at) }, el("span", { className: "sr" }, `${from}: `), ...linkify(text)),
  );
  node.style.setProperty("--hue", hueOf(from));
  return node;
}

/** Stores a text for a reload of the tab; null removes it. */
export function remember(key, text) {
  try {
    if (text === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, text);
  } catch {
    // Storage may be forbidden. Then nothing is stored.
  }
}

export function recall(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}
