// The field for a new message, and who else is typing.

import { $, el, plural, recall, remember } from "/view.js";

const TELL_MS = 2500; // the others are told at most once in this time that the user is typing
const TYPING_MS = 5000; // somebody who is typing is shown for this time

let maxText = 2000; // characters, as the server has it; a rejection corrects it
let isReady = false; // messages can be sent
let send = () => {};
let tell = () => {};
let toldAt = -Infinity;
const typists = new Map(); // name -> timer

/** Calls `sendText(text)` for a new message, and `tellTyping()` while the user is typing. */
export function whenWritten(sendText, tellTyping) {
  [send, tell] = [sendText, tellTyping];
}

export function setReady(ready) {
  isReady = ready;
  show();
}

/** Puts texts that were not sent before the text in the field. */
export function giveBack(texts) {
  if (texts.length) setText([...texts, $("text").value].filter(Boolean).join("\n"));
}

/** Shows why the server did not accept a text. */
export function refuse({ code, data }, text) {
  if (Number.isFinite(data?.max)) maxText = data.max;
  giveBack([text]);
  if (code === "TextEmpty") hint("Write something first.", true);
}

export function hint(text, bad = false) {
  $("text-hint").textContent = text;
  $("text-hint").classList.toggle("bad", bad);
}

/** Sets the text. It survives a reload of the page. */
function setText(text) {
  if ($("text").value !== text) $("text").value = text;
  remember("chat.text", text || null);
  show();
}

function show() {
  const text = $("text");
  const length = [...text.value.trim()].length;
  const over = length - maxText;
  $("composer").classList.toggle("off", !isReady);
  $("send").disabled = !isReady || over > 0 || !length;
  if (over > 0) hint(`${plural(over, "character", "characters")} too many (at most ${maxText})`, true);
  else if (!isReady && length) hint("Kept here. You can send it as soon as you are connected again.");
  else hint(-over < maxText * 0.2 ? `${plural(-over, "character", "characters")} left` : "");

  text.style.height = "auto";
  const limit = parseFloat(getComputedStyle(text).maxHeight) || 168;
  text.style.height = `${Math.min(limit, text.value ? text.scrollHeight : 48)}px`;
  text.style.overflowY = text.scrollHeight > limit ? "auto" : "hidden";
}

$("text").addEventListener("input", () => {
  setText($("text").value);
  if (!isReady || !$("text").value.trim() || Date.now() - toldAt < TELL_MS) return;
  toldAt = Date.now();
  tell();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  $("composer").requestSubmit();
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!isReady || !text || [...text].length > maxText) return;
  setText("");
  toldAt = -Infinity;
  send(text);
  $("text").focus();
});
$("send").addEventListener("pointerdown", (event) => event.preventDefault()); // keeps a phone's keyboard open

/** Shows that somebody is typing. */
export function addTypist(name) {
  clearTimeout(typists.get(name));
  typists.set(name, setTimeout(() => removeTypist(name), TYPING_MS));
  showTypists();
}

export function removeTypist(name) {
  clearTimeout(typists.get(name));
  if (typists.delete(name)) showTypists();
}

export function clearTypists() {
  for (const name of [...typists.keys()]) removeTypist(name);
}

function showTypists() {
  const names = [...typists.keys()].sort((a, b) => a.localeCompare(b));
  const shown = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} others`] : names;
  const nodes = shown.flatMap((name, i) => [...(i === 0 ? [] : [i < shown.length - 1 ? ", " : " and "]), el("bdi", {}, name)]);
  if (nodes.length) nodes.push(nodes.length > 1 ? " are typing…" : " is typing…");
  $("typing").classList.toggle("shown", nodes.length > 0);
  $("typing-names").replaceChildren(...nodes);
}

setText(recall("chat.text") ?? "");
