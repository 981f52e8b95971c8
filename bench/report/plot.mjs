// Requests per second as bars, with the span of the middle half of the rounds. An SVG that is legible in light and dark.

const WIDTH = 760;
const LEFT = 230;
const RIGHT = 150;
const BAR = 22;
const STEP = 38;
const TOP = 46;

const escaped = (text) => text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);
const thousands = (value) => `${(value / 1000).toFixed(1)} k/s`;

export function plot({ load: { contenders } }) {
  const all = Object.entries(contenders);
  const most = Math.max(...all.map(([, { per_second }]) => per_second.high));
  const scale = (value) => (value / most) * (WIDTH - LEFT - RIGHT);
  const height = TOP + all.length * STEP + 12;
  const bars = all.map(([letter, { name, per_second: { median, low, high } }], place) => {
    const y = TOP + place * STEP;
    const middle = y + BAR / 2;
    return `  <text class="name" x="${LEFT - 10}" y="${middle + 4}">(${letter}) ${escaped(name)}</text>
  <rect class="${name.startsWith("zhongkong") ? "ours" : "theirs"}" x="${LEFT}" y="${y}" width="${scale(median).toFixed(1)}" height="${BAR}" rx="3"/>
  <path class="span" d="M${(LEFT + scale(low)).toFixed(1)} ${middle}H${(LEFT + scale(high)).toFixed(1)}m0-5v10M${(LEFT + scale(low)).toFixed(1)} ${middle - 5}v10"/>
  <text x="${(LEFT + scale(Math.max(median, high)) + 10).toFixed(1)}" y="${middle + 4}">${thousands(median)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">
  <title id="title">Requests per second on one thread of workerd: ${escaped(all.map(([, { name, per_second }]) => `${name} ${thousands(per_second.median)}`).join(", "))}</title>
  <style>
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .name { text-anchor: end }
    .head { font-weight: 600 }
    .ours { fill: #07a35a }
    .theirs { fill: #8c959f }
    .span { fill: none; stroke: #24292f; stroke-width: 1.5; opacity: .6 }
    @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .span { stroke: #e6edf3 } .theirs { fill: #6e7681 } }
  </style>
  <text class="head" x="10" y="24">Requests per second, one thread of workerd: median and middle half</text>
${bars.join("\n")}
</svg>
`;
}
