#include "eval/page.h"

#include <fmt/format.h>

#include "eval/gallery_style.h"
#include "eval/html.h"

namespace muybridge {

std::string begin_page(const std::string& title) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta name=\"generator\" content=\"muybridge " MUYBRIDGE_VERSION
      "\"><title>{} &middot; Muybridge</title><style>{}</style></head>\n<body><header>{}",
      escape_html(title), kGalleryStyle, kGalleryBand);
}

std::string end_page(const std::string& footer_html) {
  return fmt::format(
      "</main><footer>{}</footer>\n<button id=\"pause\" type=\"button\">Pause</button>\n"
      "<dialog id=\"large\"><div class=\"plates\"></div><p></p><nav><button value=\"-1\">&larr;"
      "</button><button value=\"1\">&rarr;</button><a>open the file</a><button value=\"0\">close"
      "</button></nav></dialog>\n<script>{}</script></body></html>\n",
      footer_html, kGalleryScript);
}

}  // namespace muybridge
