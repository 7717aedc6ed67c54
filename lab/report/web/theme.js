// Colours by the part they play. One table for canvas, SVG and the style sheet (as custom properties), so that a
// picture looks alike everywhere. Every colour of text has at least 4.5:1 and every mark 3:1 against `panel`, `sunk`
// and `page` in both themes (WCAG 2.2 AA); tests/lab/report computes it. `grid`, `line` and the washes are ornament:
// nothing is read from them alone.

const PALETTES = {
  light: {
    page: "#f3f4f6", panel: "#ffffff", sunk: "#f7f8fa", line: "#d3d8de", grid: "#eceff2", tick: "#dfe3e8",
    ink: "#191e25", soft: "#525c69", faint: "#626b77",
    blue: "#1a5fd0", red: "#c21f2b", green: "#17713d", orange: "#9c5100", purple: "#7439bd", teal: "#086a7a",
    grey: "#626b77",
    wash: "#e7effc", washRed: "#fbe9ea", washOrange: "#f8eddd", washGreen: "#e3f2e8", washTeal: "#e0f1f3",
    select: "#fff3c4", band: "#e9edf3",
  },
  dark: {
    page: "#0e1115", panel: "#161a20", sunk: "#1b2027", line: "#343c47", grid: "#222830", tick: "#2c343e",
    ink: "#e9ecf0", soft: "#a9b3c0", faint: "#929dab",
    blue: "#6eabff", red: "#ff8079", green: "#5fce88", orange: "#eda455", purple: "#c79dff", teal: "#55c4d5",
    grey: "#929dab",
    wash: "#1a2c47", washRed: "#3d2024", washOrange: "#3a2b1a", washGreen: "#1a3325", washTeal: "#17323a",
    select: "#332c0c", band: "#232a34",
  },
};

// What each kind of frame is drawn in.
const FRAME_COLOURS = {
  data: "blue", ack: "grey", syn: "green", fin: "purple", rst: "red", rexmit: "red", probe: "orange",
  arp: "teal", udp: "teal", icmp: "teal", other: "faint",
};

const FONT = 'Inter, "Segoe UI", "Helvetica Neue", Helvetica, Roboto, Arial, "Liberation Sans", "DejaVu Sans", sans-serif';
const MONO = 'ui-monospace, "SF Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
