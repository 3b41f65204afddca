/**
 * Asks for the server's token where it wants one.
 */

import { found } from "./dom.js";
import { asked } from "./server.js";

export class Login {
  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.dialog = dialog;
    this.field = found(dialog, "input", HTMLInputElement);
    this.trouble = found(dialog, "[role=alert]", HTMLElement);
    found(dialog, "button[type=button]", HTMLElement).addEventListener("click", () => dialog.close());
    found(dialog, "form", HTMLElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.give();
    });
  }

  /**
   * Do something that needs the token, after asking for it where the server refuses.
   * @template Value
   * @param {() => Promise<Value>} work
   * @returns {Promise<Value>}
   */
  async through(work) {
    try {
      return await work();
    } catch (error) {
      if (error.status !== 401) throw error;
      await this.asked();
      return work();
    }
  }

  /** Settles when the dialog is closed. */
  asked() {
    this.trouble.hidden = true;
    if (!this.dialog.open) this.dialog.showModal();
    return new Promise((resolve) => this.dialog.addEventListener("close", resolve, { once: true }));
  }

  async give() {
    try {
      const body = JSON.stringify({ token: this.field.value });
      await asked("v1/login", { method: "POST", body, headers: { "Content-Type": "application/json" } });
      this.field.value = "";
      this.dialog.close();
    } catch (error) {
      this.trouble.textContent = error.message;
      this.trouble.hidden = false;
    }
  }
}
