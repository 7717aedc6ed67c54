// Light, dark, or as the system says; the style sheet reads the colours of theme.js as custom properties.

class Theme {
  constructor(changed) {
    this.changed = changed;
    this.media = window.matchMedia("(prefers-color-scheme: dark)");
    this.media.addEventListener("change", () => this.apply());
    this.choice = this.stored() ?? "system";
    this.apply();
  }

  stored() {
    try {
      return window.localStorage.getItem("netstack-theme");
    } catch {
      return null; // a browser may forbid it to a file
    }
  }

  get name() {
    if (this.choice === "light" || this.choice === "dark") return this.choice;
    return this.media.matches ? "dark" : "light";
  }

  next() {
    this.choose({ system: this.name === "dark" ? "light" : "dark", light: "dark", dark: "light" }[this.choice]);
  }

  choose(choice) {
    this.choice = choice;
    try {
      window.localStorage.setItem("netstack-theme", choice);
    } catch {
      // then it lasts as long as the page
    }
    this.apply();
  }

  apply() {
    this.colours = PALETTES[this.name];
    const root = document.documentElement;
    root.dataset.theme = this.name;
    root.style.colorScheme = this.name;
    for (const [name, value] of Object.entries(this.colours)) root.style.setProperty(`--${name}`, value);
    this.changed();
  }
}
