// The page: a form for signing in, and one of several rooms. The server's side is `contract.rs`.
//
// `messages` is a stream that survives lost connections; `people` is asked for again on each. What this file calls from
// the others shows the state.

import * as composer from "/composer.js";
import { reasonOf, showDoor, whenSignedIn } from "/door.js";
import * as list from "/list.js";
import { NameRefused, renew, signOut, who } from "/session.js";
import * as side from "/side.js";
import { $, plural, remember } from "/view.js";
import { WsClient } from "/ws-client.js";

const FIRST_ROOM = "lobby";
const SIGNED_OUT = 4401; // the status of connections whose session has ended
const CHECK_MS = 15_000; // time between two requests for the list of rooms, which also show that the server answers
const CHECK_TIMEOUT_MS = 8000;
const RETRY_MS = 3000; // time until a room whose stream has failed is entered again
const HISTORY_MS = 400; // a pause of this length ends the messages that were in the room before the user
const BACK_MS = 4000; // time for which the page says that it is connected again

const client = new WsClient(urlWithSession, { connect: false, reconnect: { base: 500, max: 8000 } });
const chat = client.channel("chat");

let me = null; // the name of the session; null while the form for signing in is shown
let leaving = false; // the user signs out by this page
let room = null; // the room that is shown
let wanted = FIRST_ROOM; // the room in which the user wants to be
let ready = false; // the page is in its room on the current connection
let visits = 0; // counts the calls of enter(); only the latest one matters
let messages = null; // AbortController of the stream `messages`
let people = null; // AbortController of the stream `people`
let isNew = false; // messages that come now were not there before the user
let unread = 0; // number of new messages since the page was hidden

let lost = false; // the connection was lost in a room, and the page is not back
let restarting = false; // the server has told that it stops
let retryAt = 0; // time of the next attempt to connect
let back = null; // timer; the page says that it is connected again

// ---- the session ----

/** Is called for each attempt to connect, so that a server that was restarted knows the user again. */
async function urlWithSession() {
  try {
    become(await renew(me));
  } catch (error) {
    if (error instanceof NameRefused) leave(reasonOf(error)); // somebody else has taken it in the meantime
    throw error;
  }
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
}

/** Sets the name of the user. Another tab may have signed in with another one. */
function become(name) {
  if (me !== name) closeRoom();
  me = name;
  remember("chat.name", name);
}

/** Goes on with the session of the browser, or asks for a name. */
async function begin(reason) {
  const name = await who().catch(() => null);
  if (name === null) return leave(reason);
  become(name);
  client.connect();
  showAll();
}

function leave(reason) {
  me = null;
  closeRoom();
  client.close();
  lost = restarting = false;
  side.showSide(false);
  showAll();
  showDoor(reason);
}

whenSignedIn((name) => {
  become(name);
  client.connect();
  showAll();
  $("text").focus();
});

$("leave").onclick = async () => {
  leaving = true;
  try {
    await signOut();
    leave();
  } catch (error) {
    if (client.state === "closed") leave(); // only the response was lost
    else composer.hint(reasonOf(error), true);
  } finally {
    leaving = false;
  }
};

// ---- the room ----

const roomOfAddress = () => {
  try {
    return decodeURIComponent(location.hash.slice(1)).trim();
  } catch {
    return "";
  }
};

const showAddress = (name) => history.replaceState(null, "", `#${encodeURIComponent(name)}`);

/** Enters a room, and shows it. A new connection is in no room, so the page enters the same one again. */
async function enter(name) {
  const visit = ++visits;
  wanted = name;
  ready = false;
  try {
    const exact = await chat.request("enter", name);
    if (visit !== visits) return;
    if (exact !== room || messages === null) openRoom(exact);
    showAddress(exact);
    ready = true;
    followPeople();
    backInRoom();
    showAll();
    showRooms();
  } catch (error) {
    if (visit === visits) whenNotEntered(error);
  }
}

function whenNotEntered({ code, message }) {
  if (code === "RoomInvalid" || code === "TooManyRooms") {
    side.showRoomError(`${message[0].toUpperCase()}${message.slice(1)}.`);
    wanted = room ?? FIRST_ROOM;
    showAddress(wanted);
    enter(wanted);
  } else if (code === "Timeout") client.reconnect();
  else if (code !== "Disconnected") enterLater();
  showAll();
}

/** Enters the room again in some seconds, unless the connection is lost before. */
function enterLater() {
  const visit = visits;
  setTimeout(() => visit === visits && client.state === "open" && enter(wanted), RETRY_MS);
}

function openRoom(name) {
  closeRoom();
  room = wanted = name;
  followMessages();
}

function closeRoom() {
  for (const stream of [messages, people]) stream?.abort();
  messages = people = room = null;
  unread = 0;
  composer.giveBack(list.clear());
  composer.clearTypists();
  side.forgetPeople();
}

/** Shows the messages of the room, from the oldest that the server has. Goes on after a lost connection. */
async function followMessages() {
  const control = (messages = new AbortController());
  let batch = [];
  let timer = null;
  let pause = null;
  const show = () => {
    timer = null;
    clearTimeout(pause);
    pause = setTimeout(() => !control.signal.aborted && endHistory(), HISTORY_MS);
    if (batch.length && !control.signal.aborted) showMessages(batch);
    batch = [];
  };
  isNew = false;
  list.setEmptyText("");
  show();
  try {
    const stream = chat.with({ signal: control.signal }).resumable("messages", room);
    for await (const { value, seam, lost } of stream) {
      if (seam) {
        show();
        showSeam(seam, lost);
      } else batch.push(value);
      timer ??= setTimeout(show, 16); // the list is laid out once for many messages
    }
  } catch {
    // It was aborted, or rejected.
  }
  show();
  if (control.signal.aborted) return;
  messages = null;
  if (ready) enterLater();
}

function endHistory() {
  isNew = true;
  list.setEmptyText("It’s quiet in here. Say hello!");
}

function showMessages(batch) {
  list.addMessages(batch, me, isNew);
  for (const { from } of batch) composer.removeTypist(from);
  const news = isNew ? batch.filter(({ from }) => from !== me) : [];
  if (!news.length) return;
  if (document.hidden) unread += news.length;
  showTitle();
  $("announce").textContent = `${news.at(-1).from}: ${news.at(-1).text}`;
}

/** Shows where messages are missing. */
function showSeam(seam, lost) {
  if (seam === "resumed") return;
  list.dropSentDrafts();
  if (!list.hasMessages()) return;
  const missing = lost ? `${plural(lost, "message is", "messages are")} missing here.` : "Some messages may be missing here.";
  const text = seam === "fresh" ? "The server was restarted. It no longer has the messages above." : missing;
  list.addNote(text, { mark: true });
}

/** Shows who is in the room until the connection is lost. */
async function followPeople() {
  people?.abort();
  const { signal } = (people = new AbortController());
  try {
    for await (const change of chat.with({ signal }).stream("people", room)) {
      if (signal.aborted) return;
      const news = side.applyChange(change);
      if (news && news.name !== me) list.addNote(`${news.name} ${news.type}`);
      if (news?.type === "left") composer.removeTypist(news.name);
      showPeople();
    }
  } catch {
    // The page enters the room again on the next connection.
  }
}

chat.on("typing", (name) => ready && name !== me && composer.addTypist(name));

async function say(text) {
  const draft = list.addDraft(me, text);
  try {
    await chat.request("say", room, text);
    list.confirmDraft(draft);
  } catch (error) {
    const { code } = error ?? {};
    if (code === "TextTooLong" || code === "TextEmpty") {
      list.removeDraft(draft);
      return composer.refuse(error, text);
    }
    const isLost = code === "Disconnected" || code === "Timeout";
    list.failDraft(draft, isLost ? "Not sent: no connection." : "Not sent.", () => ready && (say(text), true));
    if (code === "NotInRoom") enter(wanted);
  }
}

composer.whenWritten(say, () => client.state === "open" && chat.emit("typing", room));
addEventListener("hashchange", async () => {
  const name = roomOfAddress() || FIRST_ROOM;
  side.showRoomError("");
  if (client.state !== "open") return void (wanted = name);
  if (name !== room) await enter(name);
  if (ready) side.showSide(false);
});

// ---- the connection ----

client.addEventListener("open", () => {
  restarting = false;
  retryAt = 0;
  enter(wanted); // before the stream of messages, which waits for the connection
  showAll();
});
client.addEventListener("close", ({ detail }) => {
  visits++;
  lost ||= ready;
  ready = false;
  clearTimeout(back);
  back = null;
  composer.clearTypists();
  if (detail.code === SIGNED_OUT) {
    client.close();
    if (!leaving) begin("You have signed out in another tab.");
  }
  showAll();
});
client.addEventListener("reconnecting", ({ detail }) => {
  retryAt = Date.now() + detail.delay;
  showAll();
});
client.on("restarting", () => {
  restarting = true;
  lost ||= ready;
  ready = false;
  showAll();
});

function backInRoom() {
  if (lost) {
    back = setTimeout(() => {
      back = null;
      showBanner();
    }, BACK_MS);
  }
  lost = false;
}

$("retry").onclick = () => {
  client.connect();
  showAll();
};

/** Asks for the rooms. Without an answer the connection is dead. */
async function showRooms() {
  try {
    side.setRooms(await chat.with({ timeout: CHECK_TIMEOUT_MS }).request("rooms"));
    side.showRooms(room);
  } catch (error) {
    if (error?.code === "Timeout") client.reconnect();
  }
}

const check = () => client.state === "open" && ready && showRooms();

setInterval(() => document.hidden || check(), CHECK_MS);
setInterval(showBanner, 500);
addEventListener("online", check);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  showTitle();
  if (client.state === "waiting") client.connect();
  else check();
  list.refresh(); // "Today" may have become "Yesterday"
});

// ---- display ----

function showAll() {
  $("room").hidden = me === null;
  $("room-title").textContent = room ?? wanted;
  const { state } = client;
  const away = restarting ? "restarting…" : lost ? "reconnecting…" : "connecting…";
  const text = state === "open" && !restarting ? (ready ? "connected" : "entering…") : away;
  if ($("pill").textContent !== text) $("pill").textContent = text;
  $("pill").dataset.state = ready ? "ready" : "away";
  composer.setReady(ready);
  showBanner();
  showPeople();
  showTitle();
}

function showPeople() {
  side.showPeople(me, ready);
  side.showRooms(room);
}

function showBanner() {
  const seconds = Math.ceil((retryAt - Date.now()) / 1000);
  const isWaiting = client.state === "waiting";
  $("banner").hidden = ready ? back === null : !(lost || restarting || isWaiting);
  $("banner").classList.toggle("back", back !== null);
  $("retry").hidden = !isWaiting;
  const again = isWaiting && seconds > 1 ? `Trying again in ${seconds} s.` : client.state === "open" || restarting ? "" : "Trying again…";
  const why = restarting ? "The server is restarting." : lost ? "Connection lost." : "The server doesn’t answer.";
  const text = ready ? "Connected again." : client.state === "open" && !restarting ? "Entering the room…" : `${why} ${again}`.trim();
  if ($("banner-text").textContent !== text) $("banner-text").textContent = text;
}

function showTitle() {
  const place = me === null || room === null ? "wswrapper chat" : `${room} · wswrapper chat`;
  document.title = unread ? `(${unread}) ${place}` : place;
}

// A phone's keyboard may cover the page instead of shrinking it.
window.visualViewport?.addEventListener("resize", () => {
  if (visualViewport.scale > 1.01) return;
  document.documentElement.style.setProperty("--app-height", `${visualViewport.height}px`);
  if (visualViewport.height < innerHeight) scrollTo(0, 0);
});

wanted = roomOfAddress() || FIRST_ROOM;
begin();
