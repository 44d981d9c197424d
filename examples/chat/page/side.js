// The rooms, and the people in the present room: a drawer, or a column on wide screens.

import { $, avatar, el } from "/view.js";

let rooms = []; // as the server lists them
let shownRoom = null; // the present room, as the list shows it
let people = new Map(); // the names of the people in the room, by their keys
let missing = new Set(); // those who were there before the connection was lost, and are not back

/** Applies an item of the stream `people`. Returns the name of somebody who has come or gone, and which of both. */
export function applyChange({ type, who }) {
  if (type === "snapshot") {
    const before = people;
    people = new Map(who.map(({ key, meta }) => [key, meta]));
    missing = new Set([...before.keys()].filter((key) => !people.has(key)));
    return null;
  }
  if (type === "left") people.delete(who.key);
  else people.set(who.key, who.meta);
  // After a restart of the server, all come again.
  if (missing.delete(who.key) || type === "changed") return null;
  return { type, name: who.meta };
}

export function forgetPeople() {
  people = new Map();
  missing = new Set();
}

/** Shows the people, with the user first. They are grey while the page does not know whether they are still there. */
export function showPeople(me, isCurrent) {
  const others = [...people.values()].filter((name) => name !== me).sort((a, b) => a.localeCompare(b));
  const names = people.size > others.length ? [me, ...others] : others;
  const you = () => el("span", { className: "you" }, "you");
  const item = (name) => el("li", {}, avatar(name), el("bdi", { title: name }, name), ...(name === me ? [you()] : []));
  $("people-list").replaceChildren(...names.map(item));
  $("people-list").classList.toggle("stale", !isCurrent);
  const known = isCurrent && names.length;
  for (const count of document.querySelectorAll("[data-count]")) count.textContent = known || "";
  $("side-open").ariaLabel = known ? `Rooms and people, ${known} in this room` : "Rooms and people";
}

export function setRooms(list) {
  rooms = list;
}

/** Shows the rooms as links. The present one has the number of people that this page shows. */
export function showRooms(present) {
  const known = rooms.some(({ name }) => name === present) || present === null ? rooms : [...rooms, { name: present, people: 0 }];
  const item = ({ name, people: count }) => {
    const here = name === present;
    const shown = here && people.size ? people.size : count;
    const link = el("a", { href: `#${encodeURIComponent(name)}`, title: name }, el("bdi", {}, name));
    if (here) link.ariaCurrent = "page";
    if (shown) link.append(el("span", { className: "count", ariaLabel: `${shown} here` }, String(shown)));
    return el("li", {}, link);
  };
  const focused = document.activeElement?.closest?.("#room-list a")?.hash;
  $("room-list").replaceChildren(...known.map(item));
  if (focused) [...$("room-list").querySelectorAll("a")].find((link) => link.hash === focused)?.focus();
  if (shownRoom !== present) scrollToPresent();
  shownRoom = present;
}

function scrollToPresent() {
  const link = $("room-list").querySelector("[aria-current]");
  const list = $("room-list").parentElement;
  if (link) list.scrollTop += link.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 2;
}

/** Shows why a room cannot be entered. */
export function showRoomError(text) {
  $("room-error").textContent = text;
}

$("room-name").addEventListener("input", () => showRoomError(""));
$("room-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("room-name").value.trim();
  if (!name) return $("room-name").focus();
  $("room-name").value = "";
  showRoomError("");
  const address = `#${encodeURIComponent(name)}`;
  if (location.hash === address) showSide(false);
  else location.hash = address;
});

// The drawer.
const wide = matchMedia("(min-width: 860px)");

export function showSide(shown) {
  shown = shown && !wide.matches;
  const was = $("side").classList.contains("shown");
  $("side").classList.toggle("shown", shown);
  $("backdrop").classList.toggle("shown", shown);
  $("side").inert = !shown && !wide.matches;
  for (const node of [$("talk"), document.querySelector(".bar"), document.querySelector(".foot")]) node.inert = shown;
  $("side-open").ariaExpanded = String(shown);
  if (shown) $("side-close").focus();
  else if (was) $("side-open").focus();
}

$("side-open").onclick = () => showSide(true);
$("side-close").onclick = () => showSide(false);
$("backdrop").onclick = () => showSide(false);
addEventListener("keydown", (event) => event.key === "Escape" && showSide(false));
wide.addEventListener("change", () => showSide(false));
showSide(false);
