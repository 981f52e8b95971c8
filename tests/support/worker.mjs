// The Worker under test: the real build, with a Keeper whose alarm a test can take away. An alarm
// that is ignored here is one that was lost.

import { DurableObject } from "cloudflare:workers";
import worker, { Keeper as Real } from "../../build/index.js";

export default worker;

export class Keeper extends DurableObject {
  #real;
  #alarms;

  constructor(state, env) {
    super(state, env);
    this.#real = new Real(state, env);
    this.#alarms = env.TEST_WITHOUT_ALARM !== "yes";
  }

  async fetch(request) {
    const response = await this.#real.fetch(request);
    if (!this.#alarms) await this.ctx.storage.deleteAlarm();
    return response;
  }

  async alarm() {
    if (this.#alarms) await this.#real.alarm();
  }
}
