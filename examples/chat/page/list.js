// The list of messages with its days, notes and drafts, and its scroll position.

import { $, dayName, dayOf, el, messageNode, plural } from "/view.js";

const MAX_ITEMS = 500; // while the newest message is visible
const MAX_ITEMS_ABOVE = 2000; // while the user reads older ones
const GROUP_MS = 5 * 60_000; // consecutive messages of one person within this time share a heading

let items = []; // lines and notes; then drafts, which are messages that the stream of the room has not brought yet
let unseen = 0; // number of new messages below the visible part
let followsEnd = true; // the end of the list is visible
let emptyText = ""; // shown without messages

// ---- changes ----

/** Adds messages of the room. `isNew` is false for those that were there before the user. */
export function addMessages(messages, me, isNew) {
  change(() => {
    for (const message of messages) {
      const isOwn = message.from === me;
      if (isOwn) dropDraft(message.text);
      const node = messageNode(message, isOwn);
      if (isNew) node.classList.add("fresh");
      if (isNew && !isOwn && !followsEnd) unseen++;
      insert({ kind: "line", node, ...message });
    }
  });
}

/** Adds a note. One that is marked stands between messages that do not belong together. */
export function addNote(text, { mark = false } = {}) {
  const node = el("li", { className: `note fresh${mark ? " mark" : ""}` }, text);
  change(() => insert({ kind: "note", node }));
}

/** Adds a message that is being sent. It goes when the stream of the room brings it. */
export function addDraft(from, text) {
  const message = { from, text, at: Date.now() };
  const draft = { kind: "draft", status: "sending", node: messageNode(message, true), ...message };
  draft.node.classList.add("sending", "fresh");
  followsEnd = true;
  change(() => items.push(draft));
  return draft;
}

export function removeDraft(draft) {
  change(() => (items = items.filter((item) => item !== draft)));
}

/** Notes that the server has the message. */
export function confirmDraft(draft) {
  draft.status = "sent";
}

/** Removes drafts that the server has, because the stream has lost them. */
export function dropSentDrafts() {
  change(() => (items = items.filter((item) => item.status !== "sent")));
}

/** Shows why a message was not sent, and offers to send it again. */
export function failDraft(draft, why, sendAgain) {
  if (!items.includes(draft)) return;
  change(() => {
    draft.status = "failed";
    draft.node.classList.replace("sending", "failed");
    const again = el("button", { type: "button", className: "link" }, "Try again");
    const discard = el("button", { type: "button", className: "link" }, "Discard");
    draft.node.append(el("div", { className: "trouble", role: "status" }, why, again, discard));
    again.onclick = () => sendAgain() && removeDraft(draft);
    discard.onclick = () => removeDraft(draft);
  });
}

/** Removes everything. Returns the texts that were not sent. */
export function clear() {
  const unsent = items.filter((item) => item.status === "failed").map((item) => item.text);
  followsEnd = true;
  unseen = 0;
  change(() => (items = []));
  return unsent;
}

/** Sets the text that is shown without messages. */
export function setEmptyText(text) {
  emptyText = text;
  change(() => {});
}

/** Lays the list out again, because "Today" may have become "Yesterday". */
export const refresh = () => change(() => {});

export const hasMessages = () => items.some(({ kind }) => kind === "line");

function insert(item) {
  const index = items.findIndex(({ kind }) => kind === "draft");
  items.splice(index < 0 ? items.length : index, 0, item);
}

function dropDraft(text) {
  const fits = (status) => items.findIndex((item) => item.status === status && item.text === text);
  const index = ["sent", "sending", "failed"].map(fits).find((index) => index >= 0);
  if (index !== undefined) items.splice(index, 1);
}

/** Runs `edit`, updates the list, and keeps the scroll position: at the end if it was there, else unchanged. */
function change(edit) {
  edit();
  items.splice(0, Math.max(0, items.length - (followsEnd ? MAX_ITEMS : MAX_ITEMS_ABOVE)));
  layout();
  if (followsEnd) toEnd();
  showJump();
}

/** Updates the list in the page from `items`: days, headings, and the first and last message of each group. */
function layout() {
  const nodes = [];
  let day = null;
  let last = null; // the message before, if the next one may be in its group
  const endGroup = () => {
    last?.node.classList.add("last");
    last = null;
  };
  for (const item of items) {
    if (item.kind === "line" && dayOf(item.at) !== day) {
      day = dayOf(item.at);
      item.day ??= el("li", { className: "day" }, el("span"));
      item.day.firstChild.textContent = dayName(item.at);
      nodes.push(item.day);
      endGroup();
    }
    if (item.kind === "note") endGroup();
    else {
      const together = last?.from === item.from && Math.abs(item.at - last.at) < GROUP_MS;
      last?.node.classList.toggle("last", !together);
      item.node.classList.toggle("first", !together);
      last = item;
    }
    nodes.push(item.node);
  }
  endGroup();

  const keep = new Set(nodes);
  for (const node of [...$("list").children]) if (!keep.has(node)) node.remove();
  let place = $("list").firstChild;
  for (const node of nodes) {
    if (node === place) place = place.nextSibling;
    else $("list").insertBefore(node, place);
  }
  $("start").textContent = items.some(({ kind }) => kind !== "note") ? "" : emptyText;
}

// ---- scrolling ----

function toEnd(smooth) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  $("scroller").scrollTo({ top: $("scroller").scrollHeight, behavior: smooth && !calm ? "smooth" : "instant" });
}

function showJump() {
  if (followsEnd) unseen = 0;
  const news = unseen ? plural(unseen, "new message", "new messages") : "";
  $("jump").hidden = followsEnd;
  $("jump").classList.toggle("unseen", unseen > 0);
  $("jump").firstElementChild.textContent = news;
  $("jump").ariaLabel = news ? `Show ${news}` : "Go to the newest message";
}

let viewHeight = 0;

function resized() {
  viewHeight = $("scroller").clientHeight;
  if (followsEnd) toEnd();
}

new ResizeObserver(resized).observe($("scroller"));

$("scroller").addEventListener(
  "scroll",
  () => {
    const { scrollHeight, scrollTop, clientHeight } = $("scroller");
    if (clientHeight !== viewHeight) return resized(); // the size changed; the user did not scroll
    followsEnd = scrollHeight - scrollTop - clientHeight < 56;
    showJump();
  },
  { passive: true },
);

$("jump").onclick = () => {
  toEnd(true);
  $("text").focus({ preventScroll: true });
};
