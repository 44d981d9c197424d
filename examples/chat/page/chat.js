// The page: a join screen and one chat room. Text from other people is inserted as text nodes only, never as HTML.

import { WsClient } from "/ws-client.js";

const PAGE_SIZE = 50; // messages per request when loading earlier ones
const MAX_ITEMS = 500; // maximum number of items in the list while the newest message is visible
const GROUP_MS = 5 * 60_000; // consecutive messages of one person within this time share a heading
const CHECK_MS = 20_000; // interval between checks of the connection
const MAX_MISSED = 1000; // maximum number of missed messages to load after a reconnect
const TYPING_MS = 250; // interval between checks whether the user is typing
const BACK_MS = 4000; // time for which the banner says that the page is connected again
const IDLE_MS = 8000; // the user no longer counts as typing after this time without a change
const TITLE = "wswrapper chat";
const NO_ANSWER = "The server doesn’t answer. Please try again in a moment.";

const client = new WsClient(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, {
  reconnect: { base: 500, max: 8000 },
});
const chat = client.channel("chat");

const $ = (id) => document.getElementById(id);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The state of the page. A "line" is a message that the server has; a "draft" is one that it has not confirmed yet.
let wanted = null; // the name to be in the room with; null on the join screen
let me = null; // the user's name in the room, after joining
let ready = false; // joined on the current connection
let joining = false; // a join request is in flight
let backlog = []; // events received during the join request
let attempts = 0; // counts the calls of enterAgain(); only the latest one continues
let lost = false; // the connection was lost while the user was in the room, and the page has not joined again
let back = null; // timer of the banner that says that the page is connected again
let nameTaken = false; // the server has rejected the name because another connection has it
let online = new Set();
let lobby = null; // the names of the people in the room, as the join screen shows them; null while unknown
let items = []; // the items of the list: lines, notes, drafts
let byId = new Map(); // lines of the current epoch by id
let epoch = 0; // incremented when the server has a different history than the page
let hasMore = false; // the server may have earlier lines
let loadingEarlier = false;
let maxText = Infinity; // maximum length of a message in characters, known after joining
let unseen = 0; // number of new messages below the visible part
let unread = 0; // number of new messages since the page was hidden
let typists = []; // names of the people who are typing, from the server
let draft = null; // AbortController of the draft at the server, while the user is typing
let typedAt = -Infinity; // time of the user's last change of the text
let typingTimer = null; // timer of the next check whether the user is typing
let followsEnd = true; // the end of the list is visible

// ---- small tools ----

function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function remember(key, value) {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch {
    // storage may be forbidden; then nothing is stored
  }
}

function recall(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
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

function initials(name) {
  const first = (text) => (graphemes ? (graphemes.segment(text)[Symbol.iterator]().next().value?.segment ?? "") : [...text][0]);
  const words = name.split(/[\s._-]+/).filter(Boolean);
  if (words.length > 1) return (first(words[0]) + first(words.at(-1))).toUpperCase();
  const word = words[0] ?? name;
  const start = first(word);
  return (/^\p{L}/u.test(start) ? start + first(word.slice(start.length)) : start).toUpperCase();
}

function avatar(name) {
  const node = el("span", { className: "avatar", ariaHidden: "true" }, initials(name));
  node.style.setProperty("--hue", hueOf(name));
  return node;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const calendarWithYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const complete = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const dayOf = (at) => new Date(at).toDateString();

function dayName(at) {
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
const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

// ---- the list ----

function messageNode({ from, at, text }) {
  const time = (props) => el("time", { dateTime: new Date(at).toISOString(), title: complete.format(at), ...props }, clock.format(at));
  const node = el(
    "li",
    { className: `msg${from === me ? " own" : ""}${isJumbo(text) ? " jumbo" : ""}` },
    avatar(from),
    el("div", { className: "head" }, el("bdi", {}, from), time({})),
    el("div", { className: "said", dir: "auto", title: complete.format(at) }, el("span", { className: "sr" }, `${from}: `), ...linkify(text)),
  );
  node.style.setProperty("--hue", hueOf(from));
  return node;
}

/** Updates the list in the page from `items`: days, headings, and the first and last message of each group. */
function layout() {
  const nodes = [];
  let day = null;
  let last = null;
  for (const item of items) {
    if (item.kind === "line" && dayOf(item.at) !== day) {
      day = dayOf(item.at);
      item.day ??= el("li", { className: "day" }, el("span"));
      item.day.firstChild.textContent = dayName(item.at);
      nodes.push(item.day);
      last?.node.classList.add("last");
      last = null;
    }
    if (item.kind === "note") {
      last?.node.classList.add("last");
      last = null;
    } else {
      const together = last && last.from === item.from && Math.abs(item.at - last.at) < GROUP_MS;
      last?.node.classList.toggle("last", !together);
      item.node.classList.toggle("first", !together);
      last = item;
    }
    nodes.push(item.node);
  }
  last?.node.classList.add("last");

  const list = $("list");
  const keep = new Set(nodes);
  for (const node of [...list.children]) if (!keep.has(node)) node.remove();
  let place = list.firstChild;
  for (const node of nodes) {
    if (node === place) place = place.nextSibling;
    else list.insertBefore(node, place);
  }

  const empty = !items.some((item) => item.kind !== "note");
  $("earlier").hidden = !hasMore || !ready || empty;
  $("start").hidden = hasMore || !(ready || items.length);
  $("start").classList.toggle("empty", empty);
  $("start").textContent = empty ? "It’s quiet in here. Say hello!" : "No earlier messages";
}

/** Runs `edit`, updates the list, and keeps the scroll position: at the end if it was there, else unchanged. */
function change(edit, { above = false } = {}) {
  const scroller = $("scroller");
  const { scrollHeight, scrollTop } = scroller;
  edit();
  if (followsEnd) trim();
  layout();
  if (followsEnd) toEnd();
  else if (above) scroller.scrollTop = scrollTop + scroller.scrollHeight - scrollHeight;
  showJump();
}

function trim() {
  for (const item of items.splice(0, Math.max(0, items.length - MAX_ITEMS))) {
    if (item.kind !== "line" || item.epoch !== epoch) continue;
    byId.delete(item.id);
    hasMore = true;
  }
}

/** Inserts a line in order of ids. Returns false if the list has it already. */
function addLine({ id, at, from, text }, fresh) {
  if (byId.has(id)) return false;
  if (from === me) dropDraft(text);
  const item = { kind: "line", epoch, id, at, from, text };
  item.node = messageNode(item);
  if (fresh) item.node.classList.add("fresh");
  byId.set(id, item);
  let index = items.findIndex((other) => other.kind === "line" && other.epoch === epoch && other.id > id);
  if (index < 0) index = items.findIndex((other) => other.kind === "draft");
  items.splice(index < 0 ? items.length : index, 0, item);
  return true;
}

function addNote(text, props = {}) {
  const node = el("li", { className: `note fresh${props.mark ? " mark" : ""}` }, text);
  const index = items.findIndex((item) => item.kind === "draft");
  items.splice(index < 0 ? items.length : index, 0, { kind: "note", at: Date.now(), node, ...props });
}

/** Counts a new message from another person if it is not visible, and has screen readers announce it. */
function announce(line) {
  if (line.from === me) return;
  if (!followsEnd) unseen++;
  if (document.hidden) unread++;
  showTitle();
  $("announce").textContent = `${line.from}: ${line.text}`;
}

const oldestLine = () => items.find((item) => item.kind === "line" && item.epoch === epoch);
const lastId = () => items.findLast((item) => item.kind === "line" && item.epoch === epoch)?.id ?? 0;

// ---- sending messages ----

function dropDraft(text) {
  const fits = (status) => items.findIndex((item) => item.kind === "draft" && item.status === status && item.text === text);
  const index = fits("sending") >= 0 ? fits("sending") : fits("failed");
  if (index >= 0) items.splice(index, 1);
}

const unsentTexts = () => items.filter((item) => item.kind === "draft").map((item) => item.text);

function removeItem(item) {
  change(() => {
    items = items.filter((other) => other !== item);
  });
}

function failDraft(draft, why) {
  if (!items.includes(draft)) return;
  change(() => {
    draft.status = "failed";
    draft.node.classList.replace("sending", "failed");
    const again = el("button", { type: "button", className: "link" }, "Try again");
    const discard = el("button", { type: "button", className: "link" }, "Discard");
    const row = el("div", { className: "trouble", role: "status" }, why, again, discard);
    draft.node.append(row);
    again.onclick = () => {
      if (!ready) return;
      removeItem(draft);
      say(draft.text);
    };
    discard.onclick = () => removeItem(draft);
  });
}

async function say(text) {
  const draft = { kind: "draft", status: "sending", from: me, at: Date.now(), text };
  draft.node = messageNode(draft);
  draft.node.classList.add("sending", "fresh");
  followsEnd = true;
  change(() => items.push(draft));
  const started = epoch;
  try {
    const line = await chat.request("say", text);
    if (epoch !== started) return;
    change(() => {
      // The event may arrive before this response; addLine() then has removed the draft that has the same text.
      if (!addLine(line) || line.text !== text) items = items.filter((item) => item !== draft);
    });
  } catch (error) {
    const { code, data } = error ?? {};
    if (code === "TextTooLong" || code === "TextEmpty") {
      if (Number.isFinite(data?.max)) maxText = data.max;
      if ($("text").value) failDraft(draft, code === "TextEmpty" ? "Empty message." : `Longer than ${maxText} characters.`);
      else {
        removeItem(draft);
        setText(text);
      }
      showComposer();
      if (code === "TextEmpty") hint("Write something first.", true);
    } else {
      failDraft(draft, code === "Disconnected" || code === "Timeout" ? "Not sent: no connection." : "Not sent.");
      if (code === "NotJoined") enterAgain();
    }
  }
}

// ---- typing ----

/** Shows who is typing until the connection is lost. */
async function watchTyping() {
  try {
    for await (const names of chat.stream("typing")) showTyping(names);
  } catch {
    // the connection was lost; the next "open" event calls this function again
  }
  showTyping([]);
}

function showTyping(names) {
  typists = names;
  const others = names.filter((name) => name !== me);
  const shown = others.length > 3 ? [...others.slice(0, 2), `${others.length - 2} others`] : others;
  const nodes = shown.flatMap((name, i) => [...(i === 0 ? [] : [i < shown.length - 1 ? ", " : " and "]), el("bdi", {}, name)]);
  if (nodes.length) nodes.push(nodes.length > 1 ? " are typing…" : " is typing…");
  const sentence = nodes.map((node) => node.textContent ?? node).join("");
  $("typing").classList.toggle("shown", nodes.length > 0);
  if ($("typing-names").textContent !== sentence) $("typing-names").replaceChildren(...nodes);
}

/** Opens a draft at the server while the user is typing, which the others see, and aborts it afterwards. */
function updateDraft() {
  clearTimeout(typingTimer);
  const typing = ready && Date.now() - typedAt < IDLE_MS && $("text").value.trim();
  if (typing && !draft) {
    draft = new AbortController();
    const ignore = () => {}; // the others do not see that the user is typing
    chat.with({ signal: draft.signal }).request("draft").catch(ignore);
  } else if (!typing) {
    draft?.abort();
    draft = null;
  }
  typingTimer = draft && setTimeout(updateDraft, TYPING_MS);
}

// ---- scrolling ----

function toEnd(smooth) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  $("scroller").scrollTo({ top: $("scroller").scrollHeight, behavior: smooth && !calm ? "smooth" : "instant" });
}

function showJump() {
  if (followsEnd) unseen = 0;
  $("jump").hidden = followsEnd;
  $("jump").classList.toggle("unseen", unseen > 0);
  $("jump").firstElementChild.textContent = unseen ? plural(unseen, "new message", "new messages") : "";
  $("jump").ariaLabel = unseen ? `Show ${plural(unseen, "new message", "new messages")}` : "Go to the newest message";
}

$("scroller").addEventListener(
  "scroll",
  () => {
    const { scrollHeight, scrollTop, clientHeight } = $("scroller");
    if (clientHeight !== viewHeight) return resized(); // the size changed; the user did not scroll
    followsEnd = scrollHeight - scrollTop - clientHeight < 56;
    showJump();
    if (scrollTop < 160) loadEarlier();
  },
  { passive: true },
);

$("jump").onclick = () => {
  toEnd(true);
  $("text").focus({ preventScroll: true });
};

let viewHeight = 0;

function resized() {
  viewHeight = $("scroller").clientHeight;
  if (followsEnd) toEnd();
}

new ResizeObserver(resized).observe($("scroller"));
$("earlier").onclick = () => loadEarlier();

async function loadEarlier() {
  const before = oldestLine()?.id;
  if (loadingEarlier || !hasMore || !ready || before === undefined) return;
  loadingEarlier = true;
  const started = epoch;
  try {
    const lines = [];
    for await (const line of chat.stream("history", before, PAGE_SIZE)) lines.push(line);
    if (started !== epoch || oldestLine()?.id !== before) return;
    change(
      () => {
        hasMore = lines.length === PAGE_SIZE;
        for (const line of lines) addLine(line);
      },
      { above: true },
    );
  } catch {
    return; // the connection was lost; joining again loads them
  } finally {
    loadingEarlier = false;
  }
  if ($("scroller").scrollTop < 160) loadEarlier();
}

// ---- joining, and joining again ----

/** Joins and shows the history. Events that arrive during the request wait in the backlog. */
async function enter(name) {
  joining = true;
  backlog = [];
  try {
    const joined = await chat.with({ wait: true }).request("join", name);
    if (me !== joined.name) clearRoom();
    me = joined.name;
    maxText = joined.max_text;
    await catchUp(joined.history);
    wanted = me;
    online = new Set(joined.online).add(me);
    ready = true;
    for (const event of backlog) event();
  } finally {
    joining = false;
    backlog = [];
  }
  remember("chat.name", me);
  remember("chat.inside", "yes");
  hint("");
  if (lost) {
    back = setTimeout(() => {
      back = null;
      showBanner();
    }, BACK_MS);
  }
  lost = false;
  showAll();
  change(() => {});
  loadEarlierIfShort();
}

function loadEarlierIfShort() {
  if ($("scroller").scrollTop < 160) loadEarlier();
}

/** Adds the server's newest lines to those that the page has. */
async function catchUp(history) {
  const known = lastId();
  const first = items.every((item) => item.kind !== "line");
  const lines = [...history];
  let begins = !lines.length; // the server has no messages before `lines`
  if (!first && !begins && lines[0].id > known) {
    for await (const line of chat.stream("history", lines[0].id, MAX_MISSED)) {
      lines.unshift(line);
      if (line.id <= known) break; // also stops the stream at the server
    }
    begins = lines[0].id > known && lines.length < history.length + MAX_MISSED;
  }
  const same = (line) => {
    const mine = byId.get(line.id);
    return !mine || (mine.at === line.at && mine.from === line.from && mine.text === line.text);
  };
  change(() => {
    if (first) {
      hasMore = lines.length > 0;
      for (const line of lines) addLine(line);
      return;
    }
    const newest = lines.at(-1)?.id ?? 0;
    const restarted = newest < known || !lines.every(same);
    const gap = !restarted && !lines.some((line) => line.id <= known);
    if (gap && !begins) {
      const drafts = items.filter((item) => item.kind === "draft");
      clearRoom();
      items = drafts;
      hasMore = true;
    } else if (restarted || gap) {
      epoch++;
      byId = new Map();
      hasMore = !begins;
      addNote(restarted ? "The server was restarted. It no longer has the messages above." : "Some messages are missing here.", { mark: true });
    }
    for (const line of lines) {
      if (!addLine(line, true)) continue;
      announce(line);
    }
  });
}

/** Clears the room. */
function clearRoom() {
  epoch++;
  items = [];
  byId = new Map();
  hasMore = false;
  unseen = 0;
  followsEnd = true;
}

/** Joins with the same name after a reconnect or a reload of the page. */
async function enterAgain() {
  if (joining) return;
  const attempt = ++attempts;
  const name = wanted;
  ready = false;
  nameTaken = false;
  showAll();
  for (let tries = 0; attempt === attempts && wanted === name && client.state === "open"; tries++) {
    try {
      return await enter(name);
    } catch (error) {
      if (attempt !== attempts || wanted !== name || error?.code === "Disconnected") return;
      if (error?.code === "NameTaken" && tries < 10) {
        // The server may not have noticed yet that the previous connection is lost.
        nameTaken = true;
        showBanner();
        await sleep(Math.min(3000, 500 * 1.5 ** tries));
      } else if (error?.code === "Timeout" || error?.code === "AlreadyJoined") {
        return client.reconnect();
      } else {
        return leave(joinErrorText(error, name));
      }
    }
  }
}

function joinErrorText(error, name) {
  const { code, data } = error ?? {};
  if (code === "NameTaken") return `“${data?.name ?? name}” is in the room already. Please pick another name.`;
  if (code === "NameInvalid") {
    if (data?.max && [...name].length > data.max) return `That is a little long: please use at most ${data.max} characters.`;
    return `Please use a name of 1 to ${data?.max ?? 24} ordinary characters.`;
  }
  if (["Disconnected", "Timeout", "QueueFull"].includes(code)) return NO_ANSWER;
  return "That didn’t work. Please try again.";
}

function leave(errorText = "") {
  if (errorText) setText([...unsentTexts(), $("text").value].filter(Boolean).join("\n"));
  remember("chat.inside", null);
  wanted = null;
  me = null;
  ready = false;
  lost = false;
  online = new Set();
  clearRoom();
  unread = 0;
  layout();
  if (!errorText) {
    client.close(); // the service has no "leave"; disconnecting leaves the room
    client.connect();
  }
  showAll();
  showNameError(errorText);
  $("name").focus();
  $("name").select();
  askLobby();
}

function showNameError(text) {
  $("name-error").textContent = text;
  $("name").ariaInvalid = text ? "true" : "false";
}

$("join-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (joining) return;
  const name = $("name").value.trim();
  showNameError(name ? "" : "Please enter a name first.");
  if (!name) return $("name").focus();
  const button = $("join-button");
  const busy = el("span", { className: "spinner", ariaHidden: "true" });
  button.disabled = true;
  button.firstElementChild.textContent = "Joining…";
  button.prepend(busy);
  try {
    await enter(name);
    $("text").focus();
  } catch (error) {
    if (error?.code === "AlreadyJoined" || error?.code === "Timeout") client.reconnect();
    showNameError(joinErrorText(error, name));
    $("name").focus();
  } finally {
    busy.remove();
    button.disabled = false;
    button.lastElementChild.textContent = "Join the room";
  }
});

$("name").addEventListener("input", () => {
  showNameError("");
  showNameAvatar();
});

function showNameAvatar() {
  const name = $("name").value.trim();
  $("name-avatar").classList.toggle("blank", !name);
  $("name-avatar").textContent = name ? initials(name) : "";
  $("name-avatar").style.setProperty("--hue", hues.get(name) ?? HUES[hueIndex(name)]);
}

/** Asks who is in the room, for the join screen. Events keep it up to date afterwards. */
async function askLobby() {
  if (wanted !== null || client.state !== "open") return;
  const names = await chat.request("online").catch(() => null);
  if (client.state === "open") showLobby(names && new Set(names));
}

function showLobby(names) {
  lobby = names;
  if (!lobby?.size) return $("join-people").replaceChildren(lobby ? "Nobody is here yet. Be the first!" : "");
  const sorted = [...lobby].sort((a, b) => a.localeCompare(b));
  const text = sorted.length > 2 ? `${sorted.length} people are here` : `${sorted.join(" and ")} ${sorted.length > 1 ? "are" : "is"} here`;
  $("join-people").replaceChildren(
    el("span", { className: "stack" }, ...sorted.slice(0, 3).map(avatar)),
    el("span", { className: "names" }, text),
  );
}

/** Returns a listener that changes the names on the join screen. */
const whenOutside = (edit) => (name) => {
  if (wanted !== null || !lobby) return;
  edit(lobby, name);
  showLobby(lobby);
};

// ---- events of the room ----

/** Returns a listener that runs `fn` at once, or after a join request that is in flight. */
const whenJoined = (fn) => (value) => {
  if (joining) backlog.push(() => fn(value));
  else if (ready) fn(value);
};

chat.on(
  "said",
  whenJoined((line) => {
    showTyping(typists.filter((name) => name !== line.from));
    change(() => addLine(line, true) && announce(line));
  }),
);

chat.on(
  "joined",
  whenJoined((name) => {
    if (name === me || online.has(name)) return;
    online.add(name);
    showPeople();
    change(() => {
      const last = items.at(-1);
      const back = last?.left === name && Date.now() - last.at < 60_000;
      if (back) items.pop();
      addNote(back ? `${name} is back` : `${name} joined`);
    });
  }),
);

chat.on(
  "left",
  whenJoined((name) => {
    if (name === me || !online.delete(name)) return;
    showPeople();
    change(() => addNote(`${name} left`, { left: name }));
  }),
);

chat.on(
  "joined",
  whenOutside((names, name) => names.add(name)),
);
chat.on(
  "left",
  whenOutside((names, name) => names.delete(name)),
);

// ---- the connection ----

let retryAt = 0;

client.addEventListener("open", () => {
  watchTyping();
  if ($("name-error").textContent === NO_ANSWER) showNameError("");
  if (wanted === null) askLobby();
  else enterAgain();
  showAll();
});
client.addEventListener("close", () => {
  lost = ready || lost;
  ready = false;
  clearTimeout(back);
  back = null;
  showLobby(null);
  updateDraft();
  showAll();
});
client.addEventListener("reconnecting", ({ detail }) => {
  retryAt = Date.now() + detail.delay;
  showAll();
});

$("retry").onclick = () => {
  client.connect();
  showAll();
};

/** Requests the list of people. A timeout shows that the connection is dead. */
async function check(timeout) {
  if (client.state !== "open" || joining) return;
  if (wanted === null) return askLobby();
  if (!ready) return;
  try {
    const names = await chat.with({ timeout }).request("online");
    if (!ready) return;
    online = new Set(names).add(me);
    showPeople();
  } catch (error) {
    if (error?.code === "Timeout") client.reconnect();
    if (error?.code === "NotJoined") enterAgain();
  }
}

setInterval(() => document.hidden || check(8000), CHECK_MS);
setInterval(showBanner, 500);
addEventListener("online", () => check(4000));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  showTitle();
  if (client.state === "waiting") client.connect();
  else check(4000);
  change(() => {}); // "Today" may have become "Yesterday"
});

// ---- display ----

function showAll() {
  const inside = wanted !== null;
  $("join").hidden = inside;
  $("room").hidden = !inside;
  const state = inside && client.state === "open" && !ready ? "joining" : client.state;
  const words = { open: "connected", joining: "joining…", connecting: "connecting…", waiting: "reconnecting…", closed: "closed" };
  const text = state === "connecting" && retryAt ? words.waiting : words[state];
  for (const pill of document.querySelectorAll("[data-pill]")) {
    if (pill.textContent !== text) pill.textContent = text;
    pill.dataset.state = state;
  }
  if (client.state === "open") retryAt = 0;
  if (!inside) showDrawer(false);
  showBanner();
  showComposer();
  showPeople();
  showTyping(typists);
  showTitle();
}

function showBanner() {
  const seconds = Math.ceil((retryAt - Date.now()) / 1000);
  $("banner").classList.toggle("back", back !== null);
  $("banner").hidden = (ready && back === null) || $("room").hidden || (client.state === "connecting" && !retryAt);
  $("retry").hidden = client.state !== "waiting";
  const joins = nameTaken ? `“${wanted}” is still in the room, perhaps in another tab. Trying again…` : "Joining the room…";
  const waits = client.state === "waiting" && seconds > 1 ? `Trying again in ${seconds} s.` : "Reconnecting…";
  const text = ready ? "Connected again." : client.state === "open" ? joins : `Connection lost. ${waits}`;
  if ($("banner-text").textContent !== text) $("banner-text").textContent = text;
}

function showTitle() {
  document.title = unread ? `(${unread}) ${TITLE}` : TITLE;
}

function showPeople() {
  const others = [...online].filter((name) => name !== me).sort((a, b) => a.localeCompare(b));
  const names = me === null ? others : [me, ...others];
  $("people-list").replaceChildren(
    ...names.map((name) => el("li", {}, avatar(name), el("bdi", { title: name }, name), ...(name === me ? [el("span", { className: "you" }, "you")] : []))),
  );
  $("people-list").classList.toggle("stale", !ready);
  for (const count of document.querySelectorAll("[data-count]")) count.textContent = names.length || "";
  $("people-open").ariaLabel = `${plural(names.length, "person", "people")} in the room`;
}

function hint(text, bad = false) {
  $("text-hint").textContent = text;
  $("text-hint").classList.toggle("bad", bad);
}

/** Sets the text of the composer. It survives a reload of the page. */
function setText(text) {
  if ($("text").value !== text) $("text").value = text;
  remember("chat.text", text || null);
}

function showComposer() {
  const text = $("text");
  const length = [...text.value.trim()].length;
  const over = length > maxText;
  $("composer").classList.toggle("off", !ready);
  $("send").disabled = !ready || over || !length;
  if (over) hint(`${plural(length - maxText, "character", "characters")} too many (at most ${maxText})`, true);
  else if (!ready && length) hint("Kept here. You can send it as soon as you are connected again.");
  else hint(length > maxText * 0.8 ? `${plural(maxText - length, "character", "characters")} left` : "");

  text.style.height = "auto";
  const limit = parseFloat(getComputedStyle(text).maxHeight) || 168;
  text.style.height = `${Math.min(limit, text.value ? text.scrollHeight : 48)}px`;
  text.style.overflowY = text.scrollHeight > limit ? "auto" : "hidden";
}

$("text").addEventListener("input", () => {
  setText($("text").value);
  showComposer();
  typedAt = Date.now();
  typingTimer ??= setTimeout(updateDraft, TYPING_MS);
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  $("composer").requestSubmit();
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!ready || !text || [...text].length > maxText) return;
  setText("");
  showComposer();
  updateDraft();
  say(text);
  $("text").focus();
});
$("send").addEventListener("pointerdown", (event) => event.preventDefault()); // keeps a phone's keyboard open

// The list of people is a drawer on narrow screens.
const wide = matchMedia("(min-width: 860px)");

function showDrawer(shown) {
  shown = shown && !wide.matches;
  const was = $("people").classList.contains("shown");
  $("people").classList.toggle("shown", shown);
  $("backdrop").classList.toggle("shown", shown);
  $("people").inert = !shown && !wide.matches;
  for (const node of [$("talk"), document.querySelector(".bar"), document.querySelector(".foot")]) node.inert = shown;
  $("people-open").ariaExpanded = String(shown);
  if (shown) $("people-close").focus();
  else if (was) $("people-open").focus();
}

$("people-open").onclick = () => showDrawer(true);
$("people-close").onclick = () => showDrawer(false);
$("backdrop").onclick = () => showDrawer(false);
$("leave").onclick = () => leave();
addEventListener("keydown", (event) => event.key === "Escape" && showDrawer(false));
wide.addEventListener("change", () => showDrawer(false));

// A phone's keyboard may cover the page instead of shrinking it.
if (window.visualViewport) {
  const fit = () => {
    if (visualViewport.scale > 1.01) return;
    document.documentElement.style.setProperty("--app-height", `${visualViewport.height}px`);
    if (visualViewport.height < innerHeight) scrollTo(0, 0);
  };
  visualViewport.addEventListener("resize", fit);
}

// ---- start ----

$("name").value = recall("chat.name") ?? "";
$("text").value = recall("chat.text") ?? "";
if (recall("chat.inside")) wanted = recall("chat.name");
showNameAvatar();
showDrawer(false);
layout();
showAll();
if ($("room").hidden) $("name").focus();
