#include "eval/gallery_clips.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "eval/html.h"

namespace muybridge {
namespace {

constexpr std::size_t kManyClips = 24;  // from here on their pictures are smaller

using Take = std::pair<std::string, std::uint64_t>;  // a prompt and a seed

std::string about(const SampleRecord& clip, std::int64_t step) {
  return fmt::format("{}, {}, step {}", clip.prompt.empty() ? "no prompt" : clip.prompt,
                     draw_facts(clip), group_digits(step));
}

std::string word_for_source(const std::string& source) {
  return source.empty() ? ""
                        : fmt::format("<span class=\"tag\">{} caption</span>", escape_html(source));
}

bool is_reconstruction(const RenderedSet& rendered) {
  return std::ranges::any_of(rendered.set.clips,
                             [](const SampleRecord& clip) { return !clip.quality.empty(); });
}

// Prompts that were rendered with the same seed more than once, as they first appear.
std::vector<Take> repeated_takes(const std::vector<RenderedSet>& sets) {
  std::vector<Take> order;
  std::map<Take, int> counts;
  for (const RenderedSet& rendered : sets) {
    std::set<Take> here;
    for (const SampleRecord& clip : rendered.set.clips) {
      const Take take{clip.prompt, clip.seed};
      if (here.insert(take).second && counts[take]++ == 0) order.push_back(take);
    }
  }
  std::erase_if(order, [&](const Take& take) { return counts[take] < 2; });
  return order;
}

std::string draw_cell(const RenderedSet& rendered, const Take& take) {
  for (const SampleRecord& clip : rendered.set.clips) {
    if (clip.prompt != take.first || clip.seed != take.second) continue;
    return fmt::format("<td{}>{}</td>", draw_misses(clip).empty() ? "" : " class=\"missed\"",
                       draw_video(rendered.folder, clip.file, about(clip, rendered.set.step)));
  }
  return "<td><span class=\"gap\">&mdash;</span></td>";
}

}  // namespace

std::string draw_video(const std::string& folder, const std::string& file,
                       const std::string& about_clip) {
  return fmt::format("<video src=\"{}\" autoplay loop muted playsinline title=\"{}\"></video>",
                     escape_url(folder.empty() ? file : folder + "/" + file),
                     escape_html(about_clip));
}

std::string draw_misses(const SampleRecord& clip) {
  std::string html;
  for (const auto& [name, value] : clip.scores)
    if (value < 1 && name != kWholePrompt)
      html += fmt::format("<span class=\"miss\">&#10007; {}</span>", escape_html(words_of(name)));
  return html;
}

std::string draw_figure(const std::string& folder, const SampleRecord& clip,
                        const std::string& about_clip, const std::string& small_html) {
  const std::string misses = draw_misses(clip);
  std::string html = fmt::format("<figure class=\"clip{}{}\"><div class=\"plates\">{}",
                                 misses.empty() ? "" : " missed", clip.real.empty() ? "" : " pair",
                                 draw_video(folder, clip.file, about_clip));
  if (!clip.real.empty()) html += draw_video(folder, clip.real, "the real clip: " + clip.prompt);
  html += "</div>";
  if (!clip.real.empty()) html += "<div class=\"sides\"><span>made</span><span>real</span></div>";
  return html + fmt::format(
                    "<figcaption><span class=\"long\">{}</span>{}<small>{}{}</small>"
                    "</figcaption></figure>\n",
                    clip.prompt.empty() ? "<i>no prompt</i>" : escape_html(clip.prompt), misses,
                    word_for_source(clip.source), small_html);
}

std::string draw_facts(const SampleRecord& clip) {
  if (clip.quality.empty()) return fmt::format("seed {}", clip.seed);
  std::string text;
  for (const auto& [name, value] : clip.quality)
    text += (text.empty() ? "" : ", ") + describe_quality(name, value);
  return text;
}

std::string count_clips(std::size_t count) {
  return fmt::format("{} {}", group_digits(static_cast<std::int64_t>(count)),
                     count == 1 ? "clip" : "clips");
}

std::string draw_wall(const RenderedSet& rendered) {
  const std::vector<SampleRecord>& clips = rendered.set.clips;
  const auto missed = [](const SampleRecord& clip) { return !draw_misses(clip).empty(); };
  const auto misses = static_cast<std::size_t>(std::ranges::count_if(clips, missed));
  const bool scored =
      std::ranges::any_of(clips, [](const SampleRecord& clip) { return !clip.scores.empty(); });
  const bool real =
      std::ranges::any_of(clips, [](const SampleRecord& clip) { return !clip.real.empty(); });
  std::string html =
      fmt::format("<section style=\"--tile:{}px\"><h2>Step {}</h2><p class=\"soft\">{}",
                  clips.size() > kManyClips ? 102 : 168, group_digits(rendered.set.step),
                  count_clips(clips.size()));
  if (!rendered.set.settings.empty()) html += " &middot; " + escape_html(rendered.set.settings);
  if (scored && misses == 0) html += " &middot; every claim of every prompt is right";
  if (real)
    html += is_reconstruction(rendered)
                ? " &middot; beside each clip the real one that it was made from"
                : " &middot; beside each clip the real one that has this caption";
  html += "</p>";
  if (misses > 0)
    html += fmt::format(
        "<label class=\"only\"><input type=\"checkbox\"> only the {} that {} something of the "
        "prompt</label>",
        count_clips(misses), misses == 1 ? "misses" : "miss");
  html += "<div class=\"wall\">\n";
  for (const SampleRecord& clip : clips)
    html += draw_figure(rendered.folder, clip, about(clip, rendered.set.step), draw_facts(clip));
  return html + "</div></section>\n";
}

std::string draw_grid(const std::vector<RenderedSet>& sets) {
  const std::vector<Take> takes = repeated_takes(sets);
  if (takes.empty()) return "";
  std::map<std::string, int> seeds;
  for (const Take& take : takes) ++seeds[take.first];
  const bool reconstructed = is_reconstruction(sets.back());
  std::string html = fmt::format(
      "<section style=\"--cell:96px\"><h2>Step by step</h2><p class=\"soft\">The same {} as "
      "training "
      "goes on</p><div class=\"scroll\"><table><thead><tr><th>{}</th>",
      reconstructed ? "clips" : "prompts and seeds", reconstructed ? "Caption" : "Prompt");
  for (const RenderedSet& rendered : sets) {
    html += fmt::format("<th>Step {}<small>{}</small>", group_digits(rendered.set.step),
                        count_clips(rendered.set.clips.size()));
    for (const auto& [name, value] : mean_scores_of(rendered.set))
      html +=
          fmt::format("<small>{} {}</small>", escape_html(words_of(name)), format_percent(value));
    html += "</th>";
  }
  html += "</tr></thead><tbody>\n";
  for (const Take& take : takes) {
    html += "<tr><th scope=\"row\">" + escape_html(take.first);
    if (seeds[take.first] > 1)
      html += fmt::format("<small>{} {}</small>", reconstructed ? "clip" : "seed", take.second);
    html += "</th>";
    for (const RenderedSet& rendered : sets) html += draw_cell(rendered, take);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div></section>\n";
}

}  // namespace muybridge
