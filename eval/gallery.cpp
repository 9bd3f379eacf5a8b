#include "eval/gallery.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "core/file.h"
#include "eval/chart.h"
#include "eval/gallery_style.h"
#include "eval/html.h"
#include "eval/run_record.h"

namespace muybridge {
namespace {

std::string words(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

Scores scores_of(const SampleSet& set) {
  std::vector<Scores> clips;
  for (const SampleRecord& clip : set.clips) clips.push_back(clip.scores);
  return mean_scores(clips);
}

std::string clips_word(std::size_t count) {
  return fmt::format("{} {}", group_digits(static_cast<std::int64_t>(count)),
                     count == 1 ? "clip" : "clips");
}

std::string draw_header(const GalleryHeader& header, const RunRecord& record) {
  const SampleSet* newest = record.rendered.empty() ? nullptr : &record.rendered.back().set;
  std::int64_t step = header.step;
  if (!record.loss.points.empty()) step = std::max(step, record.loss.points.back().step);
  if (newest != nullptr) step = std::max(step, newest->step);
  std::string html(kGalleryBand);
  html += fmt::format("<div><p class=\"eyebrow\">Muybridge</p><h1>{}</h1><p class=\"facts\">",
                      escape_html(header.title));
  if (!header.model.empty()) html += escape_html(header.model) + " &middot; ";
  html += fmt::format("step <b>{}</b>", group_digits(step));
  if (!record.loss.points.empty()) {
    html += fmt::format(" &middot; loss <b>{:.3g}</b>", smooth(record.loss).points.back().value);
  }
  if (!record.validation_loss.points.empty()) {
    html += fmt::format(" &middot; on held-out clips <b>{:.3g}</b>",
                        record.validation_loss.points.back().value);
  }
  html += "</p>";
  const Scores scores =
      header.scores.empty() && newest != nullptr ? scores_of(*newest) : header.scores;
  if (!scores.empty()) {
    html += "<div class=\"scores\">";
    for (const auto& [name, value] : scores) {
      html += fmt::format(
          "<div class=\"score\"><b>{0}</b><span>{1} right</span>"
          "<div class=\"meter\"><i style=\"width:{2:.1f}%\"></i></div></div>",
          format_percent(value), escape_html(words(name)), 100 * std::clamp(value, 0.0, 1.0));
    }
    html += "</div>";
  }
  return html + "</div>";
}

// Scores of each evaluation over the steps.
Chart score_chart(const RunRecord& record) {
  std::map<std::string, Curve> curves;
  for (const RenderedSet& rendered : record.rendered) {
    for (const auto& [name, value] : scores_of(rendered.set)) {
      curves[name].points.push_back({rendered.set.step, value});
    }
  }
  Chart chart{.title = "Scores", .series{}, .share = true};
  for (const auto& [name, curve] : curves) {
    if (curve.points.size() < 2) continue;
    const std::size_t style = chart.series.size() % 4 + 1;
    chart.series.push_back({.name = words(name),
                            .style = fmt::format("ink-{}", style),
                            .curve = curve,
                            .noisy = false,
                            .dots = true});
  }
  return chart;
}

std::string draw_charts(const RunRecord& record) {
  const Chart loss{
      .title = "Loss",
      .series = {{.name = "train", .style = "ink-1", .curve = record.loss, .noisy = true},
                 {.name = "held out",
                  .style = "ink-2",
                  .curve = record.validation_loss,
                  .noisy = false,
                  .dots = true}}};
  const Chart gradient{
      .title = "Gradient norm",
      .series = {
          {.name = "before clipping", .style = "ink-1", .curve = record.grad_norm, .noisy = true}}};
  const std::string charts =
      draw_chart(loss) + draw_chart(gradient) + draw_chart(score_chart(record));
  return "<section><h2>Training</h2>" +
         (charts.empty() ? "<div class=\"empty\"><b>No steps yet</b>The curves of loss, held-out "
                           "loss and gradient norm appear here with the first steps.</div>"
                         : "<div class=\"charts\">" + charts + "</div>") +
         "</section>\n";
}

std::string draw_video(const RenderedSet& rendered, const SampleRecord& clip) {
  const std::string path = rendered.folder.empty() ? clip.file : rendered.folder + "/" + clip.file;
  return fmt::format(
      "<video src=\"{}\" autoplay loop muted playsinline title=\"{}, seed {}, step {}\"></video>",
      escape_url(path), escape_html(clip.prompt), clip.seed, group_digits(rendered.set.step));
}

std::string draw_misses(const SampleRecord& clip) {
  std::string html;
  for (const auto& [name, value] : clip.scores) {
    if (value < 1) {
      html += fmt::format("<span class=\"miss\">&#10007; {}</span>", escape_html(words(name)));
    }
  }
  return html;
}

// All clips of the newest evaluation.
std::string draw_wall(const RenderedSet& rendered) {
  const std::vector<SampleRecord>& clips = rendered.set.clips;
  const auto missed = [](const SampleRecord& clip) { return !draw_misses(clip).empty(); };
  const auto misses = static_cast<std::size_t>(std::count_if(clips.begin(), clips.end(), missed));
  const bool scored = std::any_of(clips.begin(), clips.end(),
                                  [](const SampleRecord& clip) { return !clip.scores.empty(); });
  std::string html = fmt::format(
      "<section style=\"--tile:{}px\"><h2>Step {}</h2><p class=\"soft\">{}",
      clips.size() > 24 ? 102 : 168, group_digits(rendered.set.step), clips_word(clips.size()));
  if (!rendered.set.settings.empty()) html += " &middot; " + escape_html(rendered.set.settings);
  if (scored && misses == 0) html += " &middot; every claim of every prompt is right";
  html += "</p>";
  if (misses > 0) {
    html += fmt::format(
        "<label class=\"only\"><input type=\"checkbox\"> only the {} that {} something of the "
        "prompt</label>",
        clips_word(misses), misses == 1 ? "misses" : "miss");
  }
  html += "<div class=\"wall\">\n";
  for (const SampleRecord& clip : clips) {
    html += fmt::format(
        "<figure{}>{}<figcaption><span class=\"long\">{}</span>{}</figcaption></figure>\n",
        missed(clip) ? " class=\"missed\"" : "", draw_video(rendered, clip),
        clip.prompt.empty() ? "<i>no prompt</i>" : escape_html(clip.prompt), draw_misses(clip));
  }
  return html + "</div></section>\n";
}

// Prompts that were rendered more than once, in the order in which they first appear.
std::vector<std::string> repeated_prompts(const std::vector<RenderedSet>& sets) {
  std::vector<std::string> order;
  std::map<std::string, int> counts;
  for (const RenderedSet& rendered : sets) {
    std::set<std::string> here;
    for (const SampleRecord& clip : rendered.set.clips) {
      if (here.insert(clip.prompt).second && counts[clip.prompt]++ == 0) {
        order.push_back(clip.prompt);
      }
    }
  }
  std::erase_if(order, [&](const std::string& prompt) { return counts[prompt] < 2; });
  return order;
}

std::string draw_cell(const RenderedSet& rendered, const std::string& prompt) {
  for (const SampleRecord& clip : rendered.set.clips) {
    if (clip.prompt != prompt) continue;
    return fmt::format("<td{}>{}</td>", draw_misses(clip).empty() ? "" : " class=\"missed\"",
                       draw_video(rendered, clip));
  }
  return "<td><span class=\"gap\">&mdash;</span></td>";
}

// Prompts down, steps across.
std::string draw_grid(const std::vector<RenderedSet>& sets) {
  const std::vector<std::string> prompts = repeated_prompts(sets);
  if (prompts.empty()) return "";
  std::string html =
      "<section style=\"--cell:96px\"><h2>Step by step</h2><p class=\"soft\">The same prompts as "
      "training goes on</p><div class=\"scroll\"><table><thead><tr><th>Prompt</th>";
  for (const RenderedSet& rendered : sets) {
    html += fmt::format("<th>Step {}", group_digits(rendered.set.step));
    for (const auto& [name, value] : scores_of(rendered.set)) {
      html += fmt::format("<small>{} {}</small>", escape_html(words(name)), format_percent(value));
    }
    html += "</th>";
  }
  html += "</tr></thead><tbody>\n";
  for (const std::string& prompt : prompts) {
    html += "<tr><th scope=\"row\">" + escape_html(prompt) + "</th>";
    for (const RenderedSet& rendered : sets) html += draw_cell(rendered, prompt);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div></section>\n";
}

constexpr const char* kNoClips =
    "<section><h2>Clips</h2><div class=\"empty\"><b>No clips yet</b>They appear here after the "
    "first "
    "evaluation; this page is then written anew.</div></section>\n";

}  // namespace

void write_gallery(const std::filesystem::path& run, const GalleryHeader& header) {
  const RunRecord record = read_run_record(run);
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta name=\"generator\" content=\"muybridge " MUYBRIDGE_VERSION "\">";
  html +=
      fmt::format("<title>{} &middot; Muybridge</title><style>{}</style></head>\n<body><header>",
                  escape_html(header.title), kGalleryStyle);
  html += draw_header(header, record) + "</header>\n<main>\n";
  html += record.rendered.empty() ? kNoClips : draw_wall(record.rendered.back());
  html += draw_charts(record) + draw_grid(record.rendered);
  html += fmt::format(
      "</main><footer>Written by muybridge {}. Every clip on this page is AI-generated; its file "
      "says from which prompt, seed and step.</footer><script>{}</script></body></html>\n",
      MUYBRIDGE_VERSION, kGalleryScript);
  write_file_durably(run / "index.html", html);
}

}  // namespace muybridge
