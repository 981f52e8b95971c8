// What the doctor has found, line by line: good, to be known, or to be mended.

export class Report {
  #bad = 0;
  #print;

  constructor(print = console.log) {
    this.#print = print;
  }

  section(title) {
    this.#print(`\n${title}`);
  }

  good(text) {
    this.#print(`  ✔ ${text}`);
  }

  /** Nothing is wrong, but somebody may want to know. */
  hint(text, fix) {
    this.#print(`  ! ${text}${fix ? `\n      ${fix}` : ""}`);
  }

  bad(text, fix) {
    this.#bad += 1;
    this.#print(`  ✗ ${text}${fix ? `\n      → ${fix}` : ""}`);
  }

  /** Ends with a verdict; returns how many things are to be mended. */
  end() {
    this.#print(this.#bad ? `\n${this.#bad} ${this.#bad === 1 ? "thing is" : "things are"} to be mended.` : "\nAll is well.");
    return this.#bad;
  }
}
