#include "eval/gallery_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/system/progress_bar.h"
#include "eval/html.h"

namespace muybridge {
namespace {

// Speed changes while a machine is shared; half of the steps were faster.
double median(const Curve& curve) {
  std::vector<double> values;
  for (const Curve::Point& point : curve.points) values.push_back(point.value);
  if (values.empty()) return 0;
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

std::string fact(const char* name, const std::string& value) {
  return value.empty() ? "" : fmt::format("<dt>{}</dt><dd>{}</dd>", name, escape_html(value));
}

std::string draw_facts(const RunRecord& record) {
  std::string day = record.origin.started;
  std::ranges::replace(day, 'T', ' ');
  if (day.ends_with('Z')) day.replace(day.size() - 1, 1, " UTC");
  std::string html = fact("started last", day) + fact("machine", record.origin.machine);
  if (record.origin.ranks > 0) html += fact("processes", group_digits(record.origin.ranks));
  if (const double speed = median(record.tokens_per_second); speed > 0)
    html += fact("speed",
                 fmt::format("{} tokens a second", group_digits(static_cast<std::int64_t>(speed))));
  if (record.seconds > 0)
    html += fact("time", fmt::format("{} in {} steps", format_duration(record.seconds),
                                     group_digits(std::ssize(record.loss.points))));
  html +=
      fact("program", record.origin.version.empty() ? "" : "muybridge " + record.origin.version);
  if (!record.origin.command.empty())
    html += "<dt>command</dt><dd><code>" + escape_html(record.origin.command) + "</code></dd>";
  return html.empty() ? "" : "<dl class=\"facts-list\">" + html + "</dl>";
}

std::string row(const GallerySetting& setting, bool changed) {
  return fmt::format(
      "<tr{}><th scope=\"row\"><code>{}</code></th><td><code>{}</code></td>"
      "<td><code>{}</code></td></tr>\n",
      changed ? " class=\"changed\"" : "", escape_html(setting.key), escape_html(setting.value),
      escape_html(setting.usual));
}

std::string table(const std::string& rows) {
  return "<table class=\"settings\"><thead><tr><th>setting</th><th>here</th><th>default</th></tr>"
         "</thead><tbody>\n" +
         rows + "</tbody></table>";
}

std::string draw_settings(const std::vector<GallerySetting>& settings) {
  if (settings.empty()) return "";
  std::string changed, all;
  std::int64_t count = 0;
  for (const GallerySetting& setting : settings) {
    const bool differs = setting.value != setting.usual;
    if (differs) changed += row(setting, false);
    count += differs ? 1 : 0;
    all += row(setting, differs);
  }
  return fmt::format(
      "<div class=\"tables\"><details open><summary>{} settings that differ from the defaults"
      "</summary>{}</details><details><summary>all {} settings</summary>{}</details></div>",
      count, table(changed), settings.size(), table(all));
}

}  // namespace

std::string draw_run(const GalleryHeader& header, const RunRecord& record) {
  const std::string inside = draw_facts(record) + draw_settings(header.settings);
  return inside.empty() ? "" : "<section><h2>How it was made</h2>" + inside + "</section>\n";
}

}  // namespace muybridge
