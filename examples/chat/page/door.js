// The form for signing in.

import { NameRefused, signIn } from "/session.js";
import { $, el, initials, likelyHue, recall } from "/view.js";

const NO_ANSWER = "The server doesn’t answer. Please try again in a moment.";

/** Shows the form, with the reason for which the user has to sign in, if there is one. */
export function showDoor(reason = "") {
  $("door").hidden = false;
  $("name").value ||= recall("chat.name") ?? "";
  showAvatar();
  showError(reason);
  $("name").ariaInvalid = "false"; // it is not the field that is wrong
  $("name").focus();
  $("name").select();
}

/** Calls `enter(name)` when the user has signed in. */
export function whenSignedIn(enter) {
  $("door-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $("door-button");
    const name = $("name").value.trim();
    showError(name ? "" : "Please enter a name first.");
    if (!name) return $("name").focus();
    if (button.disabled) return;
    const busy = el("span", { className: "spinner", ariaHidden: "true" });
    button.disabled = true;
    button.prepend(busy);
    try {
      const exact = await signIn(name);
      $("door").hidden = true;
      enter(exact);
    } catch (error) {
      showError(reasonOf(error));
      $("name").focus();
    } finally {
      busy.remove();
      button.disabled = false;
    }
  });
}

/** Returns the reason of an error as a sentence. */
export function reasonOf(error) {
  if (!(error instanceof NameRefused)) return NO_ANSWER;
  return `${error.message[0].toUpperCase()}${error.message.slice(1)}.`;
}

function showError(text) {
  $("name-error").textContent = text;
  $("name").ariaInvalid = text ? "true" : "false";
}

function showAvatar() {
  const name = $("name").value.trim();
  $("name-avatar").classList.toggle("blank", !name);
  $("name-avatar").textContent = name ? initials(name) : "";
  $("name-avatar").style.setProperty("--hue", likelyHue(name));
}

$("name").addEventListener("input", () => {
  showError("");
  showAvatar();
});
