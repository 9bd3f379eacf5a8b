#include "eval/gallery.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/system/file.h"
#include "eval/chart.h"
#include "eval/gallery_clips.h"
#include "eval/gallery_run.h"
#include "eval/html.h"
#include "eval/page.h"
#include "eval/run_record.h"

namespace muybridge {
namespace {

// The clips behind a score.
std::size_t clips_with(const SampleSet* set, const std::string& score) {
  if (set == nullptr) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(
      set->clips, [&](const SampleRecord& clip) { return clip.scores.contains(score); }));
}

std::string draw_score(const std::string& name, double value, const GalleryHeader& header,
                       const SampleSet* newest) {
  std::string basis;
  if (const std::size_t clips = clips_with(newest, name); clips > 0) basis = count_clips(clips);
  if (const auto chance = header.chance.find(name); chance != header.chance.end())
    basis += fmt::format("{}by chance {}", basis.empty() ? "" : " &middot; ",
                         format_percent(chance->second));
  return fmt::format(
      "<div class=\"score\"><b>{}</b><span>{} right</span>{}<div class=\"meter\"><i "
      "style=\"width:{:.1f}%\"></i></div></div>",
      format_percent(value), escape_html(words_of(name)),
      basis.empty() ? "" : "<small>" + basis + "</small>", 100 * std::clamp(value, 0.0, 1.0));
}

std::string draw_header(const GalleryHeader& header, const RunRecord& record) {
  const SampleSet* newest = record.rendered.empty() ? nullptr : &record.rendered.back().set;
  std::int64_t step = header.step;
  if (!record.loss.points.empty()) step = std::max(step, record.loss.points.back().step);
  if (newest != nullptr) step = std::max(step, newest->step);
  std::string html =
      fmt::format("<div><p class=\"eyebrow\">Muybridge</p><h1>{}</h1><p class=\"facts\">",
                  escape_html(header.title));
  if (!header.model.empty()) html += escape_html(header.model) + " &middot; ";
  html += fmt::format("step <b>{}</b>", group_digits(step));
  if (!record.loss.points.empty())
    html += fmt::format(" &middot; loss <b>{:.3g}</b>", smooth(record.loss).points.back().value);
  if (!record.validation_loss.points.empty())
    html += fmt::format(" &middot; on held-out clips <b>{:.3g}</b>",
                        record.validation_loss.points.back().value);
  for (const auto& [name, value] : header.quality)
    html += fmt::format(" &middot; <b>{}</b>", escape_html(describe_quality(name, value)));
  html += "</p>";
  const Scores scores =
      header.scores.empty() && newest != nullptr ? mean_scores_of(*newest) : header.scores;
  if (!scores.empty()) {
    html += "<div class=\"scores\">";
    for (const auto& [name, value] : scores) html += draw_score(name, value, header, newest);
    html += "</div>";
  }
  return html + "</div>";
}

// "12 clips", "12 clips, 72 at step 2 400": how many are behind each point.
std::string clips_of_each(const std::vector<RenderedSet>& rendered) {
  std::map<std::size_t, int> counts;
  for (const RenderedSet& each : rendered) ++counts[each.set.clips.size()];
  const auto usual = std::ranges::max_element(
      counts, {}, [](const auto& each) { return std::pair(each.second, each.first); });
  if (usual == counts.end()) return count_clips(0);
  std::string text = count_clips(usual->first);
  for (const RenderedSet& each : rendered)
    if (each.set.clips.size() != usual->first)
      text += fmt::format(", {} at step {}", each.set.clips.size(), group_digits(each.set.step));
  return text;
}

// Scores of each evaluation over the steps.
Chart score_chart(const RunRecord& record) {
  std::map<std::string, Curve> curves;
  for (const RenderedSet& rendered : record.rendered)
    for (const auto& [name, value] : mean_scores_of(rendered.set))
      curves[name].points.push_back({rendered.set.step, value});
  Chart chart{.title = "Scores of " + clips_of_each(record.rendered), .series{}, .share = true};
  for (const auto& [name, curve] : curves) {
    if (curve.points.size() < 2) continue;
    const std::size_t style = chart.series.size() % 4 + 1;
    chart.series.push_back({.name = words_of(name),
                            .style = fmt::format("ink-{}", style),
                            .curve = curve,
                            .noisy = false,
                            .dots = true});
  }
  return chart;
}

Chart noise_chart(const std::vector<double>& losses) {
  Curve curve;
  for (std::size_t i = 0; i < losses.size(); ++i)
    curve.points.push_back({static_cast<std::int64_t>(i) + 1, losses[i]});
  return {.title = "Loss by noise",
          .series = {{.name = "held out, little to much noise",
                      .style = "ink-2",
                      .curve = curve,
                      .noisy = false,
                      .dots = true}},
          .share = false,
          .over = "level of noise"};
}

Chart single(const char* title, const char* name, const Curve& curve, bool noisy) {
  return {.title = title,
          .series = {{.name = name, .style = "ink-1", .curve = curve, .noisy = noisy}}};
}

std::string draw_charts(const GalleryHeader& header, const RunRecord& record) {
  const Chart loss{
      .title = "Loss",
      .series = {{.name = "train", .style = "ink-1", .curve = record.loss, .noisy = true},
                 {.name = "held out",
                  .style = "ink-2",
                  .curve = record.validation_loss,
                  .noisy = false,
                  .dots = true}}};
  std::string charts;
  for (const Chart& chart : {loss, single("PSNR", "of held-out clips, dB", record.psnr, false),
                             score_chart(record), noise_chart(header.loss_by_noise),
                             single("Learning rate", "of the step", record.learning_rate, false),
                             single("Gradient norm", "before clipping", record.grad_norm, true),
                             single("Speed", "tokens a second", record.tokens_per_second, true)})
    charts += draw_chart(chart);
  return "<section><h2>Training</h2>" +
         (charts.empty() ? "<div class=\"empty\"><b>No steps yet</b>The curves of loss, held-out "
                           "loss and gradient norm appear here with the first steps.</div>"
                         : "<div class=\"charts\">" + charts + "</div>") +
         "</section>\n";
}

constexpr const char* kNoClips =
    "<section><h2>Clips</h2><div class=\"empty\"><b>No clips yet</b>They appear here after the "
    "first evaluation; this page is then written anew.</div></section>\n";

}  // namespace

void write_gallery(const std::filesystem::path& run, const GalleryHeader& header) {
  const RunRecord record = read_run_record(run);
  std::string html = begin_page(header.title);
  html += draw_header(header, record) + "</header>\n<main>\n";
  html += record.rendered.empty() ? kNoClips : draw_wall(record.rendered.back());
  html += draw_charts(header, record) + draw_grid(record.rendered) + draw_run(header, record);
  html += end_page(fmt::format(
      "Written by muybridge {}. Every clip on this page that is not called real is AI-generated; "
      "its file says from what and at which step.",
      MUYBRIDGE_VERSION));
  write_file_durably(run / "index.html", html);
}

}  // namespace muybridge
