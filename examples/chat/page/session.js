// The API for sessions. The session is in a cookie that scripts cannot read, so all tabs of a browser have the same.

const TIMEOUT_MS = 8000;

/** The server does not accept a name. The message is the reason. */
export class NameRefused extends Error {}

async function call(method, body) {
  const headers = { "Content-Type": "application/json" };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch("/session", { method, headers, body: body && JSON.stringify(body), signal, cache: "no-store" });
  const text = await response.text();
  if ([400, 409].includes(response.status)) throw new NameRefused(text);
  if (!response.ok) throw new Error(text || response.statusText);
  return text ? JSON.parse(text) : null;
}

/** Returns the name of the session, or null without one. */
export const who = async () => (await call("GET"))?.name ?? null;

/** Begins a session, and returns its exact name. */
export const signIn = async (name) => (await call("POST", { name })).name;

export const signOut = () => call("DELETE");

/** Returns the name of the session. A server that was restarted has forgotten it; then it signs in again. */
export async function renew(name) {
  const known = await who();
  if (known !== null) return known;
  try {
    return await signIn(name);
  } catch (error) {
    if (!(error instanceof NameRefused)) throw error;
    // Perhaps another tab was faster.
    const now = await who();
    if (now === null) throw error;
    return now;
  }
}
