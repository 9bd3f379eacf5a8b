#include "eval/gallery_style.h"

namespace muybridge {

const std::string_view kGalleryStyle = R"css(
:root {
  color-scheme: light dark;
  --paper: #f5efe3; --card: #fbf7ee; --line: #ddd2bd; --ink: #241d14; --soft: #75695a;
  --one: #a4551c; --two: #2f6f73; --three: #7a5aa6; --good: #3c7a45; --bad: #b23a2e; --plate: #15120e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14110d; --card: #1d1914; --line: #3a3329; --ink: #eee6d8; --soft: #a39785;
    --one: #e39a58; --two: #6fb9bd; --three: #b99be0; --good: #86c48d; --bad: #ee8476; --plate: #0a0806;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main, header > div, footer { max-width: 1480px; margin: 0 auto; padding: 0 28px; }
h1, h2, h3 { font-family: "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, serif;
  font-weight: 600; line-height: 1.15; margin: 0; }
h1 { font-size: clamp(30px, 5vw, 46px); letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 25px; margin: 52px 0 4px; }
h3 { font-size: 17px; }
p { margin: 0; }
.soft { color: var(--soft); }
.band { display: block; width: 100%; height: 92px; background: var(--plate); }
header > div { padding-top: 26px; }
.eyebrow { font-size: 12px; letter-spacing: .16em; text-transform: uppercase; color: var(--soft); }
.facts { margin-top: 6px; color: var(--soft); font-size: 16px; }
.facts b { color: var(--ink); font-weight: 600; }
.scores { display: flex; flex-wrap: wrap; gap: 14px; margin-top: 22px; }
.score { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 18px 14px; flex: 0 1 190px; min-width: 140px; }
.score b { display: block; font: 600 32px/1.1 "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif;
  font-variant-numeric: tabular-nums; }
.score span { color: var(--soft); font-size: 14px; }
.meter { height: 4px; border-radius: 2px; background: var(--line); margin-top: 9px; overflow: hidden; }
.meter i { display: block; height: 100%; background: var(--two); border-radius: 2px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); gap: 16px;
  margin-top: 16px; }
.chart { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 14px 16px 8px; }
.chart figcaption { display: flex; justify-content: space-between; align-items: baseline; flex-wrap: wrap;
  gap: 2px 16px; margin-bottom: 6px; }
.chart svg { display: block; width: 100%; height: auto; overflow: visible; }
.chart polyline { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.chart .faint { stroke-width: 1; opacity: .3; }
.ink-1 { stroke: var(--one); color: var(--one); } .ink-2 { stroke: var(--two); color: var(--two); }
.ink-3 { stroke: var(--three); color: var(--three); } .ink-4 { stroke: var(--good); color: var(--good); }
.chart circle { fill: var(--card); stroke-width: 2; }
.grid path { stroke: var(--line); stroke-width: 1; fill: none; }
.ticks { font-size: 14px; font-variant-numeric: tabular-nums; } .ticks text { fill: var(--soft); }
.key { font-size: 13px; color: var(--soft); margin-left: 14px; white-space: nowrap; }
.key:first-child { margin-left: 0; }
.key b { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
.key i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; vertical-align: middle;
  margin-right: 5px; background: currentColor; }
.key.ink-1 i { background: var(--one); } .key.ink-2 i { background: var(--two); }
.key.ink-3 i { background: var(--three); } .key.ink-4 i { background: var(--good); }
video { display: block; width: 100%; background: var(--plate); image-rendering: pixelated; border-radius: 5px; }
.wall { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--tile), 1fr)); gap: 18px 12px;
  margin-top: 18px; align-items: start; }
.wall figure { margin: 0; min-width: 0; }
.wall figcaption { font-size: 13px; line-height: 1.35; margin-top: 6px; overflow-wrap: anywhere; }
.wall .long { display: -webkit-box; -webkit-line-clamp: 4; -webkit-box-orient: vertical; overflow: hidden; }
.wall figcaption small { display: block; color: var(--soft); font-size: 11.5px; margin-top: 2px; }
.plates { display: flex; gap: 4px; } .plates video { flex: 1 1 0; min-width: 0; }
.wall .pair { grid-column: span 2; }
.sides { display: flex; gap: 4px; font-size: 11.5px; color: var(--soft); margin-top: 3px; }
.sides span { flex: 1 1 0; }
.tag { border: 1px solid var(--line); border-radius: 8px; padding: 0 6px; margin-right: 6px;
  white-space: nowrap; }
.clip video, td video { cursor: zoom-in; }
.wall a { color: var(--two); margin-right: 6px; }
.score small { display: block; color: var(--soft); font-size: 12.5px; }
.facts-list { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 14px 0 20px; }
.facts-list dt { color: var(--soft); } .facts-list dd { margin: 0; overflow-wrap: anywhere; }
code { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); gap: 16px;
  align-items: start; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px 16px; }
summary { cursor: pointer; font-weight: 600; } details[open] summary { margin-bottom: 6px; }
.settings { width: 100%; }
.settings td, .settings th { padding: 3px 14px 3px 0; border: 0; width: auto; min-width: 0; max-width: none;
  position: static; vertical-align: top; overflow-wrap: anywhere; background: none; font-size: 14px; }
.settings thead th:first-child, .settings tbody th { padding-left: 0; }
.settings thead th { color: var(--soft); font-weight: 400; }
.settings td:last-child { color: var(--soft); } .settings .changed td:nth-child(2) { color: var(--one); }
#pause { position: fixed; right: 18px; bottom: 18px; z-index: 4; min-width: 84px; }
button, dialog a { font: inherit; font-size: 14px; color: var(--ink); background: var(--card);
  border: 1px solid var(--line); border-radius: 18px; padding: 6px 16px; cursor: pointer; text-decoration: none; }
button:hover, dialog a:hover { border-color: var(--soft); }
dialog { border: 0; border-radius: 12px; padding: 18px; background: var(--paper); color: var(--ink);
  width: min(94vw, 1100px); max-height: 94vh; }
dialog::backdrop { background: rgb(10 8 6 / .72); }
dialog .plates { gap: 12px; justify-content: center; }
dialog .plates video { max-width: min(100%, 74vh); flex: 1 1 0; }
dialog p { margin: 12px 2px; overflow-wrap: anywhere; }
dialog nav { display: flex; gap: 8px; } dialog nav button:last-child { margin-left: auto; }
.miss { color: var(--bad); font-size: 12px; display: inline-block; margin-right: 7px; }
.missed video { outline: 2px solid var(--bad); outline-offset: 1px; }
.only { font-size: 14px; color: var(--soft); margin-top: 10px; display: inline-flex; gap: 7px; cursor: pointer; }
.only input { accent-color: var(--bad); margin: 0; align-self: center; }
section:has(.only input:checked) figure:not(.missed) { display: none; }
.scroll { overflow-x: auto; margin-top: 16px; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card); max-height: 92vh;
  width: fit-content; max-width: 100%; }
table { border-collapse: separate; border-spacing: 0; }
th, td { padding: 8px; text-align: left; vertical-align: middle; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { position: sticky; top: 0; z-index: 2; background: var(--card); font-weight: 600; font-size: 14px;
  vertical-align: bottom; white-space: nowrap; }
tbody th { position: sticky; left: 0; z-index: 1; background: var(--card); font-weight: 400; font-size: 14px;
  width: 210px; min-width: 150px; max-width: 260px; padding-left: 16px; overflow-wrap: anywhere; }
thead th:first-child { left: 0; z-index: 3; padding-left: 16px; }
td { min-width: calc(var(--cell) + 16px); } td video { width: var(--cell); }
thead small, tbody th small { display: block; color: var(--soft); font-weight: 400; font-size: 12px; }
.gap { display: block; width: var(--cell); text-align: center; color: var(--line); }
.empty { margin-top: 18px; border: 1px dashed var(--line); border-radius: 10px; padding: 34px 24px;
  text-align: center; color: var(--soft); }
.empty b { display: block; color: var(--ink); font: 600 20px/1.4 Georgia, serif; }
footer { padding-top: 40px; padding-bottom: 48px; color: var(--soft); font-size: 13px; }
@media (max-width: 640px) {
  main, header > div, footer { padding-left: 16px; padding-right: 16px; }
  .scores { gap: 10px; }
  .score { flex: 1 1 90px; min-width: 0; padding: 10px 12px 12px; }
  .score b { font-size: 24px; }
  tbody th { min-width: 110px; width: 110px; padding-left: 10px; }
}
@media (prefers-reduced-motion: reduce) { .band circle { opacity: .9; } }
)css";

// One flight of a ball in 37 pictures, beside each other.
const std::string_view kGalleryBand =
    R"svg(<svg class="band" viewBox="0 0 1480 92" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
<path d="M40 0V92 M80 0V92 M120 0V92 M160 0V92 M200 0V92 M240 0V92 M280 0V92 M320 0V92 M360 0V92 M400
0V92 M440 0V92 M480 0V92 M520 0V92 M560 0V92 M600 0V92 M640 0V92 M680 0V92 M720 0V92 M760 0V92
M800 0V92 M840 0V92 M880 0V92 M920 0V92 M960 0V92 M1000 0V92 M1040 0V92 M1080 0V92 M1120 0V92
M1160 0V92 M1200 0V92 M1240 0V92 M1280 0V92 M1320 0V92 M1360 0V92 M1400 0V92 M1440 0V92" stroke="#4a4032" fill="none"/>
<path d="M0 82.5H1480" stroke="#8d7b62" fill="none"/>
<g fill="#ecd9b8">
<circle cx="20" cy="75.0" r="6.5" opacity="0.25"/><circle cx="60" cy="61.6" r="6.5" opacity="0.27"/>
<circle cx="100" cy="49.8" r="6.5" opacity="0.29"/><circle cx="140" cy="39.4" r="6.5" opacity="0.31"/>
<circle cx="180" cy="30.6" r="6.5" opacity="0.33"/><circle cx="220" cy="23.4" r="6.5" opacity="0.35"/>
<circle cx="260" cy="17.6" r="6.5" opacity="0.38"/><circle cx="300" cy="13.4" r="6.5" opacity="0.40"/>
<circle cx="340" cy="10.8" r="6.5" opacity="0.42"/><circle cx="380" cy="9.6" r="6.5" opacity="0.44"/>
<circle cx="420" cy="10.0" r="6.5" opacity="0.46"/><circle cx="460" cy="11.9" r="6.5" opacity="0.48"/>
<circle cx="500" cy="15.4" r="6.5" opacity="0.50"/><circle cx="540" cy="20.3" r="6.5" opacity="0.52"/>
<circle cx="580" cy="26.8" r="6.5" opacity="0.54"/><circle cx="620" cy="34.9" r="6.5" opacity="0.56"/>
<circle cx="660" cy="44.4" r="6.5" opacity="0.58"/><circle cx="700" cy="55.5" r="6.5" opacity="0.60"/>
<circle cx="740" cy="68.1" r="6.5" opacity="0.62"/><circle cx="780" cy="69.6" r="6.5" opacity="0.65"/>
<circle cx="820" cy="60.1" r="6.5" opacity="0.67"/><circle cx="860" cy="52.2" r="6.5" opacity="0.69"/>
<circle cx="900" cy="45.7" r="6.5" opacity="0.71"/><circle cx="940" cy="40.8" r="6.5" opacity="0.73"/>
<circle cx="980" cy="37.4" r="6.5" opacity="0.75"/><circle cx="1020" cy="35.6" r="6.5" opacity="0.77"/>
<circle cx="1060" cy="35.3" r="6.5" opacity="0.79"/><circle cx="1100" cy="36.5" r="6.5" opacity="0.81"/>
<circle cx="1140" cy="39.2" r="6.5" opacity="0.83"/><circle cx="1180" cy="43.5" r="6.5" opacity="0.85"/>
<circle cx="1220" cy="49.3" r="6.5" opacity="0.88"/><circle cx="1260" cy="56.6" r="6.5" opacity="0.90"/>
<circle cx="1300" cy="65.5" r="6.5" opacity="0.92"/><circle cx="1340" cy="74.3" r="6.5" opacity="0.94"/>
<circle cx="1380" cy="66.6" r="6.5" opacity="0.96"/><circle cx="1420" cy="60.4" r="6.5" opacity="0.98"/>
<circle cx="1460" cy="55.8" r="6.5" opacity="1.00"/>
</g></svg>)svg";

const std::string_view kGalleryScript = R"js(
const videos = [...document.querySelectorAll("main video")];
const pause = document.getElementById("pause"), large = document.getElementById("large");
let playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
const start = video => { if (playing) video.play().catch(() => {}); else video.pause(); };

// Clips out of view are put aside: a browser plays only so many at once.
const seen = new IntersectionObserver(entries => {
  for (const { target: video, isIntersecting } of entries) {
    if (isIntersecting) {
      if (!video.getAttribute("src")) { video.src = video.dataset.src; video.load(); }
      start(video);
    } else if (video.getAttribute("src")) {
      video.pause();
      video.removeAttribute("src");
      video.load();
    }
  }
}, { rootMargin: "300px" });
for (const video of videos) {
  video.dataset.src = video.getAttribute("src");
  if (!playing) video.removeAttribute("autoplay");
  seen.observe(video);
}

const show = on => {
  playing = on;
  pause.textContent = on ? "Pause" : "Play";
  for (const video of document.querySelectorAll("video[src]")) start(video);
};
pause.onclick = () => show(!playing);
show(playing);
if (!videos.length) pause.remove();

// A click makes a clip large; the one beside it, the real one, comes along.
const clips = videos.filter(video => !video.previousElementSibling);
let at = 0;
const enlarge = index => {
  at = (index + clips.length) % clips.length;
  const plates = large.querySelector(".plates");
  plates.replaceChildren();
  for (const video of clips[at].parentElement.querySelectorAll("video")) {
    const copy = document.createElement("video");
    copy.muted = copy.loop = copy.controls = copy.playsInline = true;
    copy.title = video.title;
    copy.src = video.dataset.src;
    plates.append(copy);
    start(copy);
  }
  large.querySelector("p").textContent = clips[at].title;
  large.querySelector("a").href = clips[at].dataset.src;
  if (!large.open) large.showModal();
};
clips.forEach((clip, index) => {
  for (const video of clip.parentElement.querySelectorAll("video")) video.onclick = () => enlarge(index);
});
for (const button of large.querySelectorAll("button"))
  button.onclick = () => button.value === "0" ? large.close() : enlarge(at + Number(button.value));
large.onclose = () => large.querySelector(".plates").replaceChildren();
large.onclick = event => { if (event.target === large) large.close(); };
document.onkeydown = event => {
  if (event.target.closest("input, summary, video[controls]")) return;
  if (event.key === " ") { if (!event.target.closest("button")) { event.preventDefault(); show(!playing); } }
  if (large.open && event.key === "ArrowLeft") enlarge(at - 1);
  if (large.open && event.key === "ArrowRight") enlarge(at + 1);
};
for (const box of document.querySelectorAll(".scroll")) box.scrollLeft = box.scrollWidth;
)js";

}  // namespace muybridge
