/**
 * Asks for the server's token where it wants one.
 */

import { asked } from "./server.js";

export class Login {
  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.dialog = dialog;
    this.field = dialog.querySelector("input");
    this.trouble = dialog.querySelector("[role=alert]");
    dialog.querySelector("button[type=button]").addEventListener("click", () => dialog.close());
    dialog.querySelector("form").addEventListener("submit", (event) => {
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
      await asked("/v1/login", { method: "POST", body, headers: { "Content-Type": "application/json" } });
      this.field.value = "";
      this.dialog.close();
    } catch (error) {
      this.trouble.textContent = error.message;
      this.trouble.hidden = false;
    }
  }
}
