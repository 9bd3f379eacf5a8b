#include "eval/sample_page.h"

#include <fmt/format.h>

#include "core/system/file.h"
#include "eval/gallery_clips.h"
#include "eval/html.h"
#include "eval/page.h"

namespace muybridge {
namespace {

std::string link(const std::string& file, const char* word) {
  return file.empty() ? "" : fmt::format(" <a href=\"{}\">{}</a>", escape_url(file), word);
}

std::string draw_clip(const CollectedClip& clip) {
  const SampleRecord& record = clip.record;
  std::string small =
      fmt::format("seed {} &middot; {}, step {} &middot; {}", record.seed, escape_html(clip.model),
                  group_digits(clip.step), escape_html(clip.settings));
  if (!record.negative.empty()) small += " &middot; away from: " + escape_html(record.negative);
  small += " &middot; " + escape_html(clip.made) + "<br>" + link(record.file, "MP4") +
           link(record.gif, "GIF") + link(record.frames, "frames");
  return draw_figure(
      "", record, fmt::format("{}, seed {}, {}", record.prompt, record.seed, clip.settings), small);
}

}  // namespace

void write_sample_page(const std::filesystem::path& folder,
                       const std::vector<CollectedClip>& clips) {
  const std::string title =
      std::filesystem::absolute(folder).lexically_normal().filename().string();
  std::string html = begin_page(title.empty() ? "clips" : title);
  html += fmt::format(
      "<div><p class=\"eyebrow\">Muybridge</p><h1>{}</h1><p class=\"facts\">{} &middot; the newest "
      "first</p></div></header>\n<main><section style=\"--tile:210px\"><div class=\"wall\">\n",
      escape_html(title), count_clips(clips.size()));
  for (auto clip = clips.rbegin(); clip != clips.rend(); ++clip) html += draw_clip(*clip);
  html += "</div></section>\n";
  html += end_page(fmt::format(
      "Written by muybridge {}. Every clip on this page is AI-generated; its file says from which "
      "prompt, seed and step.",
      MUYBRIDGE_VERSION));
  write_file_durably(folder / "index.html", html);
}

}  // namespace muybridge
