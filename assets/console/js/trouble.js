// What needs somebody: it comes first, is counted, and is looked at more often.

/** Whether somebody should look at it. */
export function isTroubled({ state, incidents = [], alerts_waiting = 0, credentials }) {
  return (state !== "ok" && state !== "empty") || incidents.length > 0 || alerts_waiting > 0 || credentials?.access_token?.revoke?.state === "going_on";
}
