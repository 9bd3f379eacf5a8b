#pragma once

#include <string>

namespace muybridge {

// The frame that pages of clips share: style, the row of pictures at the head, the buttons and the
// window in which a clip is enlarged. A page opens from disk and needs no network.
//   begin_page(title) + "<div>...</div></header><main>..." + end_page(footer)
std::string begin_page(const std::string& title);
std::string end_page(const std::string& footer_html);

}  // namespace muybridge
