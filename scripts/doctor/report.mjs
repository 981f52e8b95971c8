// What the doctor has found, line by line: good, to be known, or to be mended.

export class Report {
  #bad = 0;
  #good = 0;
  #print;

  constructor(print = console.log) {
    this.#print = print;
  }

  section(title) {
    this.#print(`\n${title}`);
  }

  good(text) {
    this.#good += 1;
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
    this.#print(this.#bad ? `\n${this.#bad} ${this.#bad === 1 ? "thing is" : "things are"} to be mended.` : this.#good > 1 ? "\nAll is well." : "\nNothing wrong was found, but not much was looked at.");
    return this.#bad;
  }
}
